# SPDX-License-Identifier: BSD-3-Clause
"""Make files of unfinished packets (long TCP, UDP, no checksums), and check how they were finished.

  cut.py make FILE COUNT       write them; print their number after segmentation to SEGSZ (below)
  cut.py check SEGSZ SENT CAME DST SRC
                               CAME is SENT with TCP segmented to SEGSZ bytes of payload, and with
                               the Ethernet addresses DST and SRC
  cut.py tag FILE COUNT TAG    as make, each packet with a VLAN tag
  cut.py addressed SENT CAME DST SRC [TAG]
                               CAME is SENT with those addresses, and with the tag
  cut.py untagged SENT CAME    CAME is SENT without its tags

Exit status 0: right; 1: the first difference is printed.
"""
import os
import random
import struct
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from frames import IPV4, IPV6, TCP, UDP, Parts, ipv4, ipv6, read, with_l4_sum, write  # noqa: E402

SEGSZ = 800
FIN, PSH, ACK, CWR = 0x01, 0x08, 0x10, 0x80


def make(rnd, i, tag=None):
    eth = bytes([0x02]) + rnd.randbytes(5) + bytes([0x06]) + rnd.randbytes(5)
    v6, tcp = i % 4 >= 2, i % 5 != 4
    src, dst = (rnd.randbytes(16), rnd.randbytes(16)) if v6 else (rnd.randbytes(4), rnd.randbytes(4))
    if tcp:
        size = (SEGSZ, SEGSZ + 1, 0, 5 * SEGSZ)[i // 5 % 4] if i % 3 == 0 else rnd.randrange(0, 8800)
        flags = ACK | (FIN if i % 3 == 0 else 0) | (PSH if i % 2 else 0) | (CWR if i % 7 == 0 else 0)
        options = bytes([1, 1, 8, 10]) + rnd.randbytes(8) if i % 2 else b""
        segment = struct.pack("!HHIIBBHHH", 1000 + i, 80, (0xFFFFFF00 + i) & 0xFFFFFFFF, i, (5 + len(options) // 4) << 4, flags, 512, 0x1234, 0)
        segment += options + rnd.randbytes(size)
    else:
        data = rnd.randbytes(rnd.randrange(0, 1400))
        segment = struct.pack("!HHHH", 1000 + i, 53, 8 + len(data), 0x1234) + data
    proto = TCP if tcp else UDP
    packet = ipv6(proto, src, dst, segment) if v6 else ipv4(proto, src, dst, segment, 0xFFFE)
    return eth + (struct.pack("!HH", 0x8100, tag) if tag else b"") + struct.pack("!H", IPV6 if v6 else IPV4) + packet


def finished(p, proto, segment, ident):
    src, dst = p.addresses()
    segment = with_l4_sum(proto, src, dst, segment)
    if p.type == IPV6:
        return p.ip[:4] + struct.pack("!H", len(segment)) + p.ip[6:] + segment
    return ipv4(proto, src, dst, segment, ident & 0xFFFF)


def pieces(frame, segsz):
    """@return the IP packets that the frame becomes"""
    p = Parts(frame)
    ident = 0 if p.type == IPV6 else struct.unpack_from("!H", p.ip, 4)[0]
    if p.proto == UDP:
        return [finished(p, UDP, p.rest, ident)]
    size = (p.rest[12] >> 4) * 4
    head, data = p.rest[:size], p.rest[size:]
    seq, flags = struct.unpack_from("!I", head, 4)[0], head[13]
    out = []
    for at in range(0, max(len(data), 1), segsz):
        f = flags
        if at:
            f &= ~CWR
        if at + segsz < len(data):
            f &= ~(FIN | PSH)
        h = head[:4] + struct.pack("!I", (seq + at) & 0xFFFFFFFF) + head[8:13] + bytes([f]) + head[14:]
        out.append(finished(p, TCP, h + data[at:at + segsz], ident + at // segsz))
    return out


def differ(want, came):
    if len(want) != len(came):
        return "%d frames were wanted, %d came" % (len(want), len(came))
    for i, (a, b) in enumerate(zip(want, came)):
        if a != b:
            return "frame %d:\nwanted %s\ncame   %s" % (i, a.hex(), b.hex())
    return None


def ethernet(dst, src, tag=None):
    eth = bytes.fromhex((dst + src).replace(":", ""))
    return eth + (struct.pack("!HH", 0x8100, int(tag)) if tag else b"")


def check(segsz, sent, came, dst, src):
    eth = ethernet(dst, src)
    return differ([eth + frame[12:14] + packet for frame in sent for packet in pieces(frame, segsz)], came)


def main():
    what = sys.argv[1]
    if what in ("make", "tag"):
        rnd = random.Random(2)
        made = [make(rnd, i, int(sys.argv[4]) if what == "tag" else None) for i in range(int(sys.argv[3]))]
        write(sys.argv[2], made)
        print(len(made) if what == "tag" else sum(len(pieces(frame, SEGSZ)) for frame in made))
        return 0
    if what == "check":
        wrong = check(int(sys.argv[2]), read(sys.argv[3]), read(sys.argv[4]), *sys.argv[5:])
    elif what == "addressed":
        wrong = differ([ethernet(*sys.argv[4:]) + f[12:] for f in read(sys.argv[2])], read(sys.argv[3]))
    else:
        wrong = differ([f[:12] + f[16:] for f in read(sys.argv[2])], read(sys.argv[3]))
    if wrong:
        print(wrong)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
