#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Proves: what a kernel leaves undone of a frame, the far kernel is told: the header and each byte of
# the frame arrive as they were sent: TCP and UDP, IPv4 and IPv6, tagged or not, with and without
# segmentation and the mark for congestion. A checksum that no mbuf can describe is computed first.
#
#	netns a: packet socket - vtap - left ==> mid ==> right - vtap - packet socket :netns b
set -eu -o pipefail
# shellcheck source=test/system/vtap.bash
. "$(dirname "$0")/vtap.bash"
vtap_chain
vtap_answers
work=$(mktemp -d)
at_exit 'rm -rf "$work"'

# Both ends know the same frames. PACKET_VNET_HDR: the header precedes each frame.
cat >"$work/frames.py" <<'EOF'
import os, socket, struct, sys
CSUM, TCP4, UDP_L4, TCP6, ECN = 1, 1, 5, 4, 0x80
# Linux 6.2 and later leave UDP datagrams uncut.
USO = tuple(int(n) for n in os.uname().release.split(".")[:2]) >= (6, 2)

def add(data):
    total = sum(struct.unpack("!%dH" % (len(data + b"\0") // 2), (data + b"\0")[:len(data) + len(data) % 2]))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return total

def frame(v6, tcp, tag, payload, cwr=False, ready=True):
    src, dst = (b"\x20" + bytes(14) + b"\1", b"\x20" + bytes(14) + b"\2") if v6 else (b"\x0a\7\0\1", b"\x0a\7\0\2")
    body = bytes(i * 5 % 251 for i in range(payload))
    proto = 6 if tcp else 17
    if tcp:
        l4 = struct.pack("!HHIIBBHHH", 7, 9, 1, 1, 0x50, 0x98 if cwr else 0x18, 100, 0, 0)
    else:
        l4 = struct.pack("!HHHH", 7, 9, 8 + payload, 0)
    field = 16 if tcp else 6
    pseudo = add(src + dst + struct.pack("!II", len(l4) + payload, proto))
    l4 = l4[:field] + struct.pack("!H", pseudo if ready else 0) + l4[field + 2:] + body
    if v6:
        ip = struct.pack("!IHBB", 0x60000000, len(l4), proto, 64) + src + dst
    else:
        ip = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(l4), 1, 0, 64, proto, 0) + src + dst
        ip = ip[:10] + struct.pack("!H", 0xffff - add(ip)) + ip[12:]
    eth = b"\xff" * 6 + b"\2\0\0\0\7\7" + (struct.pack("!HH", 0x8100, 7) if tag else b"")
    eth += struct.pack("!H", 0x86dd if v6 else 0x0800)
    return eth + ip + l4, len(eth) + len(ip), field, len(l4) - payload

def cases():
    for v6 in (False, True):
        for tcp in (False, True):
            for tag in (False, True):
                for gso, cwr in ((0, False), (100, False), (100, True)):
                    if gso and not tcp and (cwr or not USO):
                        continue
                    data, start, field, l4 = frame(v6, tcp, tag, 950, cwr)
                    kind = 0 if gso == 0 else (TCP6 if v6 else TCP4) | (ECN if cwr else 0) if tcp else UDP_L4
                    yield struct.pack("<BBHHHH", CSUM, kind, start + l4 if gso else 0, gso, start, field) + data

def packet_socket(dev):
    s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
    s.bind((dev, 3))
    s.setsockopt(263, 15, 1)
    return s
EOF
cat >"$work/send.py" <<'EOF'
import struct, sys
sys.path.insert(0, sys.argv[1])
from frames import *
s = packet_socket("fido0")
for data in cases():
    s.send(data)
# SCTP's field is not one that an mbuf's flags can describe: the driver sums the bytes up.
data, start, field, l4 = frame(False, False, False, 400)
s.send(struct.pack("<BBHHHH", CSUM, 0, 0, 0, start + 8, 2) + data)
s.send(bytes(10) + b"\xff" * 6 + b"\2\0\0\0\7\7\x08\x88last")
EOF
cat >"$work/receive.py" <<'EOF'
import sys
sys.path.insert(0, sys.argv[1])
from frames import *
s = packet_socket("fido0")
s.settimeout(30)
s.setsockopt(263, 8, 1) # PACKET_AUXDATA: the tag is not in the frame
print("ready", flush=True)
came = []
while True:
    data, aux, _, _ = s.recvmsg(70000, 1000)
    if data[16:22] != b"\2\0\0\0\7\7":
        continue
    if data.endswith(b"last"):
        break
    status, _, _, _, _, tci, tpid = struct.unpack("IIIHHHH", aux[0][2])
    if status & 16: # TP_STATUS_VLAN_VALID
        header = struct.unpack("<BBHHHH", data[:10])
        data = struct.pack("<BBHHHH", *header) + data[10:22] + struct.pack("!HH", tpid, tci) + data[22:]
    came.append(data)
want = list(cases())
def same(sent, got):
    # The kernel counts from behind the tag that it took out, and tells hdr_len of what lies in one piece.
    flags, kind, _, gso, start, field = struct.unpack("<BBHHHH", sent[:10])
    flags2, kind2, _, gso2, start2, field2 = struct.unpack("<BBHHHH", got[:10])
    tag = 4 if sent[22:24] == b"\x81\0" else 0
    return (flags, kind, gso, field) == (flags2, kind2, gso2, field2) and start2 in (start, start - tag) and sent[10:] == got[10:]
assert len(came) == len(want) + 1, (len(came), len(want) + 1)
for sent, got in zip(want, came):
    assert same(sent, got), (sent[:70].hex(), got[:70].hex())
finished = came[-1]
assert finished[0] == 0, "the last frame is still unfinished"
data, start, _, _ = frame(False, False, False, 400)
# Added to the pseudo-header's sum, which the field had held, the bytes make 0xffff.
pseudo = data[start + 10] << 8 | data[start + 11]
assert add(finished[10 + start + 8:]) == 0xffff - pseudo, "its sum is wrong"
print(len(came), "frames arrived as they were sent")
EOF
start receiver ip netns exec "$(netns_of b)" python3 "$work/receive.py" "$work"
wait_for 20 'grep -q ready "$(log_of receiver)"' || fail "the receiver does not start: $(cat "$(log_of receiver)")"
echo_run ip netns exec "$(netns_of a)" python3 "$work/send.py" "$work"
finish receiver 40
cat "$(log_of receiver)"
expect_eq "$(vtap_stat left rx_finished_packets)" 1 "checksums that left computed"
expect_eq "$(xstat_sum left '_(bad_header|too_long|failed_reads)$')" 0 "left: errors"
expect_eq "$(xstat_sum right '_(invalid|too_long|refused)$')" 0 "right: errors"
vtap_stop
