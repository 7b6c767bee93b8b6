#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Proves: two kernels joined by vtap ports and a third domain understand each other in IPv4 and IPv6,
# TCP and UDP, fragments, segments marked for congestion, and datagrams that one call sends.
#
#	netns a: kernel - vtap - left ==> mid ==> right - vtap - kernel :netns b
#	         10.99.0.1            <==     <==               10.99.0.2
set -eu -o pipefail
# shellcheck source=test/system/vtap.bash
. "$(dirname "$0")/vtap.bash"
work=$(mktemp -d)
at_exit 'rm -rf "$work"'
head -c 4M /dev/urandom >"$work/sent"
vtap_chain
vtap_answers

# Fragments, in both directions.
in_ns a ping -q -c 3 -i 0.2 -s 9000 10.99.0.2 | tee "$work/ping"
grep -q ' 0% packet loss' "$work/ping" || fail "fragments are lost"

# IPv6.
for side in a:1 b:2; do
	in_ns ${side%:*} ip addr add "fd00::${side#*:}/64" dev fido0 nodad
done
wait_for 20 'in_ns a ping -q -c 1 -W 1 fd00::2 >/dev/null' || fail "no answer from fd00::2"
in_ns a ping -q -c 3 -i 0.2 -s 9000 fd00::2 | tee "$work/ping"
grep -q ' 0% packet loss' "$work/ping" || fail "IPv6 fragments are lost"
tcp_copy a b fd00::2 "$work/sent"

# ECN: a router's mark survives, and with it the sender's answer (CWR) in a packet to be segmented.
for side in a b; do
	in_ns $side sysctl -q -w net.ipv4.tcp_ecn=1
done
tcp_copy a b 10.99.0.2 "$work/sent"
in_ns b nstat -az IpExtInECT0Pkts | tee "$work/ecn"
expect_ge "$(awk '/InECT0Pkts/ { print $2 }' "$work/ecn")" 10 "packets that arrived ECN-capable"

# UDP of all sizes: one packet each, fragments, and segments that one call sends (USO).
start udp ip netns exec "$(netns_of b)" timeout 60 python3 -IS -c '
import socket, hashlib
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
s.bind(("10.99.0.2", 5002))
print("ready", flush=True)
while True:
	data, peer = s.recvfrom(70000)
	if data == b"end":
		break
	s.sendto(len(data).to_bytes(4, "big") + hashlib.sha256(data).digest(), peer)'
wait_for 20 'grep -q ready "$(log_of udp)"' || fail "the UDP server did not start"
echo_run ip netns exec "$(netns_of a)" timeout 60 python3 -IS -c '
import hashlib, os, socket
UDP_SEGMENT = 103
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.connect(("10.99.0.2", 5002))
s.settimeout(10)
for n in [0, 1, 2, 17, 18, 1000, 1471, 1472, 1473, 4000, 30000, 65507]:
	data = os.urandom(n)
	s.send(data)
	assert s.recv(100) == n.to_bytes(4, "big") + hashlib.sha256(data).digest(), n
data = os.urandom(20 * 1000 + 7)
s.setsockopt(socket.SOL_UDP if hasattr(socket, "SOL_UDP") else 17, UDP_SEGMENT, 1000)
s.send(data)
want = {data[i:i + 1000] for i in range(0, len(data), 1000)}
want = {len(d).to_bytes(4, "big") + hashlib.sha256(d).digest() for d in want}
assert {s.recv(100) for _ in want} == want
s.send(b"end")'
finish udp 10
for name in left right; do
	expect_eq "$(xstat_sum $name '_(bad_header|too_long|invalid|refused|failed_reads)$')" 0 "$name: errors"
done
vtap_stop
