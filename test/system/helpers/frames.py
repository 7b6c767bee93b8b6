# SPDX-License-Identifier: BSD-3-Clause
"""Make files of frames of real protocols, and check what testpmd's forwarding modes made of them.

  frames.py make FILE COUNT     write them; print how many have a wrong IPv4 checksum, and how many a
                                wrong UDP or TCP checksum
  frames.py check MODE SENT CAME DST SRC
                                CAME is what the mode makes of SENT, for a port with address SRC whose
                                peer is configured as DST
  frames.py check-tried ...     the same for a capture, which repeats frames that were sent again
  frames.py flows CAME FLOWS    CAME is what flowgen sends: flow after flow, repeatedly

Exit status 0: right; 1: the first difference is printed.
"""
import random
import struct
import sys

IPV4, IPV6, ARP = 0x0800, 0x86DD, 0x0806
ICMP, TCP, UDP = 1, 6, 17


def checksum(data):
    data += bytes(len(data) % 2)
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    while total >> 16:
        total = (total >> 16) + (total & 0xFFFF)
    return total ^ 0xFFFF


def ipv4(proto, src, dst, payload, ident):
    head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(payload), ident, 0, 64, proto, 0, src, dst)
    return head[:10] + struct.pack("!H", checksum(head)) + head[12:] + payload


def ipv6(proto, src, dst, payload):
    return struct.pack("!IHBB16s16s", 6 << 28, len(payload), proto, 64, src, dst) + payload


# Offset of the checksum in a protocol's header.
SUM_AT = {UDP: 6, TCP: 16}


def with_l4_sum(proto, src, dst, segment):
    at = SUM_AT[proto]
    segment = segment[:at] + bytes(2) + segment[at + 2:]
    value = checksum(src + dst + struct.pack("!IHBB", len(segment), 0, 0, proto) + segment)
    if proto == UDP and value == 0:
        value = 0xFFFF
    return segment[:at] + struct.pack("!H", value) + segment[at + 2:]


def make(rnd, i):
    """@return a frame, and whether its IPv4 checksum, and its UDP or TCP checksum, is wrong"""
    eth = bytes([0x02]) + rnd.randbytes(5) + bytes([0x06]) + rnd.randbytes(5)
    data = rnd.randbytes(rnd.randrange(26, 1440))
    kind = i % 6
    if kind == 5:
        return eth + struct.pack("!H", ARP) + data, 0, 0
    proto = (UDP, TCP, UDP, TCP, ICMP)[kind]
    v6 = kind in (2, 3)
    src, dst = (rnd.randbytes(16), rnd.randbytes(16)) if v6 else (rnd.randbytes(4), rnd.randbytes(4))
    ports = rnd.randbytes(2) + struct.pack("!H", 4000 + i)
    bad_ip = bad_l4 = 0
    if proto == UDP:
        segment = with_l4_sum(UDP, src, dst, ports + struct.pack("!HH", 8 + len(data), 0) + data)
        if not v6 and i % 4 == 0:
            segment = segment[:6] + bytes(2) + segment[8:]  # none: IPv4 allows it
    elif proto == TCP:
        segment = with_l4_sum(TCP, src, dst, ports + struct.pack("!IIBBHHH", i, 0, 0x50, 0x10, 1024, 0, 0) + data)
    else:
        segment = struct.pack("!BBHHH", 8, 0, 0, 1, i) + data
        segment = segment[:2] + struct.pack("!H", checksum(segment)) + segment[4:]
    at = SUM_AT.get(proto)
    if at and segment[at:at + 2] != bytes(2) and i % 5 == 0:
        segment = segment[:at] + bytes([segment[at] ^ 0x40]) + segment[at + 1:]
        bad_l4 = 1
    packet = ipv6(proto, src, dst, segment) if v6 else ipv4(proto, src, dst, segment, i)
    if not v6 and i % 7 == 0:
        packet = packet[:10] + bytes([packet[10] ^ 0x40]) + packet[11:]
        bad_ip = 1
    return eth + struct.pack("!H", IPV6 if v6 else IPV4) + packet, bad_ip, bad_l4


def write(path, frames):
    with open(path, "wb") as out:
        out.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1))
        for i, frame in enumerate(frames):
            out.write(struct.pack("<IIII", i, 0, len(frame), len(frame)) + frame)


def read(path, most=1 << 30):
    with open(path, "rb") as come:
        data = come.read()
    frames, at = [], 24
    while at < len(data) and len(frames) < most:
        kept, length = struct.unpack_from("<II", data, at + 8)
        assert kept == length, "a frame was cut"
        frames.append(data[at + 16:at + 16 + kept])
        at += 16 + kept
    return frames


class Parts:
    """A frame's Ethernet addresses, type, IP header and the rest."""

    def __init__(self, frame):
        self.dst, self.src, self.type = frame[:6], frame[6:12], struct.unpack_from("!H", frame, 12)[0]
        size = {IPV4: 20, IPV6: 40}.get(self.type, 0)
        self.ip, self.rest = frame[14:14 + size], frame[14 + size:]
        self.proto = {IPV4: lambda: self.ip[9], IPV6: lambda: self.ip[6]}.get(self.type, lambda: None)()

    def addresses(self):
        at, size = (12, 4) if self.type == IPV4 else (8, 16)
        return self.ip[at:at + size], self.ip[at + size:at + 2 * size]

    def frame(self):
        return self.dst + self.src + struct.pack("!H", self.type) + self.ip + self.rest


def mode_io(p, dst, src):
    pass


def mode_mac(p, dst, src):
    p.dst, p.src = dst, src


def mode_macswap(p, dst, src):
    p.dst, p.src = p.src, p.dst


def mode_5tswap(p, dst, src):
    mode_macswap(p, dst, src)
    if p.ip:
        a, b = p.addresses()
        size = len(a) + len(b)
        at = 12 if p.type == IPV4 else 8
        p.ip = p.ip[:at] + b + a + p.ip[at + size:]
    if p.proto in SUM_AT:
        p.rest = p.rest[2:4] + p.rest[:2] + p.rest[4:]


def mode_csum(p, dst, src):
    """Correct all checksums but an absent one of UDP over IPv4; set addresses as mode mac."""
    mode_mac(p, dst, src)
    if p.type == IPV4:
        p.ip = p.ip[:10] + bytes(2) + p.ip[12:]
        p.ip = p.ip[:10] + struct.pack("!H", checksum(p.ip)) + p.ip[12:]
    if p.proto in SUM_AT and not (p.proto == UDP and p.rest[6:8] == bytes(2)):
        p.rest = with_l4_sum(p.proto, *p.addresses(), p.rest)


MODES = {"io": mode_io, "mac": mode_mac, "macswap": mode_macswap, "5tswap": mode_5tswap, "csum": mode_csum}


def check(mode, sent, came, dst, src):
    if len(sent) != len(came):
        return "%d frames were sent, %d came" % (len(sent), len(came))
    dst, src = (bytes.fromhex(a.replace(":", "")) for a in (dst, src))
    for i, (before, after) in enumerate(zip(sent, came)):
        parts = Parts(before)
        MODES[mode](parts, dst, src)
        if parts.frame() != after:
            return "frame %d:\nsent   %s\nwanted %s\ncame   %s" % (i, before.hex(), parts.frame().hex(), after.hex())
    return None


def first_tries(came):
    """A capture sees packets before the driver accepts them: refused ones come again."""
    return [frame for i, frame in enumerate(came) if frame not in came[max(0, i - 64):i]]


def check_flows(came, flows):
    first = last = None
    for i, frame in enumerate(came):
        p = Parts(frame)
        if p.type != IPV4 or p.proto != UDP or checksum(p.ip) != 0 or len(p.ip + p.rest) != int.from_bytes(p.ip[2:4], "big"):
            return "frame %d is no right UDP packet: %s" % (i, frame.hex())
        to = int.from_bytes(p.ip[16:20], "big")
        if i == 0:
            first = to  # Nothing was sent before there was a link.
        elif to != (last + 1 if last + 1 < first + flows else first):
            return "frame %d is for %x, after %x" % (i, to, last)
        last = to
    return None


def main():
    if sys.argv[1] == "make":
        rnd = random.Random(1)
        made = [make(rnd, i) for i in range(int(sys.argv[3]))]
        write(sys.argv[2], [m[0] for m in made])
        print(sum(m[1] for m in made), sum(m[2] for m in made))
        return 0
    if sys.argv[1] in ("check", "check-tried"):
        came = read(sys.argv[4])
        if sys.argv[1] == "check-tried":
            came = first_tries(came)
        wrong = check(sys.argv[2], read(sys.argv[3]), came, *sys.argv[5:])
    else:
        wrong = check_flows(read(sys.argv[2], 20000), int(sys.argv[3]))
    if wrong:
        print(wrong)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
