#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Proves: packets of up to 64 KiB, without checksums, cross three domains from kernel to kernel as
# they are, in both directions, and no domain copies them. What then leaves the second kernel by
# another interface has right checksums.
#
#	netns a: kernel - vtap - left ==> mid ==> right - vtap - bridge - veth :netns b
#	         10.99.0.1            <==     <==                10.99.0.2  |
#	                                                               netns c: veth 10.99.0.3
set -eu -o pipefail
# shellcheck source=test/system/vtap.bash
. "$(dirname "$0")/vtap.bash"
mib=64
work=$(mktemp -d)
at_exit 'rm -rf "$work"'
head -c "${mib}M" /dev/urandom >"$work/sent"

vtap_chain
vtap_answers
tcp_copy a b 10.99.0.2 "$work/sent"
tcp_copy b a 10.99.0.1 "$work/sent"
for name in left right; do
	expect_ge "$(vtap_stat $name rx_large_packets)" $((mib / 2)) "$name: large packets from the kernel"
	expect_ge "$(vtap_stat $name tx_large_packets)" $((mib / 2)) "$name: large packets to the kernel"
	expect_eq "$(vtap_stat $name tx_header_copies)" 0 "$name: headers copied, though the far kernel's are right"
	expect_eq "$(vtap_stat $name rx_finished_packets)" 0 "$name: checksums computed"
done
expect_eq "$(xstat_sum mid '^tx_copied_packets$')" 0 "packets that mid copied"

# A neighbour of b, whose veth leaves nothing to others.
netns_add c
echo_run ip -n "$(netns_of b)" link add out type veth peer name in netns "$(netns_of c)"
for dev in b:out c:in; do
	in_ns "${dev%:*}" ethtool -K "${dev#*:}" tx off tso off gso off gro off >/dev/null
done
in_ns b ip addr flush dev fido0
in_ns b ip link add bridge type bridge
for dev in fido0 out; do
	in_ns b ip link set $dev master bridge up
done
in_ns b ip link set bridge up
in_ns b ip addr add 10.99.0.2/24 dev bridge
in_ns c ip addr add 10.99.0.3/24 dev in
in_ns c ip link set in up
start capture ip netns exec "$(netns_of c)" timeout 60 tcpdump -p -n -s 128 -i in -w "$work/seen.pcap" "tcp and dst port 5001"
wait_for 20 'grep -q "listening on" "$(log_of capture)"' || fail "no capture: $(cat "$(log_of capture)")"
start whole ip netns exec "$(netns_of c)" timeout 60 tcpdump -p -n -c 200 -i in -w "$work/whole.pcap" "tcp and dst port 5001"
wait_for 20 'grep -q "listening on" "$(log_of whole)"' || fail "no capture: $(cat "$(log_of whole)")"
head -c 8M "$work/sent" >"$work/part"
wait_for 20 'in_ns a ping -q -c 1 -W 1 10.99.0.3 >/dev/null' || fail "no answer from 10.99.0.3"
tcp_copy a c 10.99.0.3 "$work/part"
finish whole 20
stop capture
tcpdump -n -vv -r "$work/whole.pcap" 2>/dev/null >"$work/seen"
expect_ge "$(grep -c '(correct)' "$work/seen")" 200 "packets with a right checksum on the wire"
expect_eq "$(grep -c incorrect "$work/seen" || true)" 0 "packets with a wrong checksum on the wire"
longest=$(tcpdump -n -r "$work/seen.pcap" 2>/dev/null | grep -o 'length [0-9]*' | sort -k 2 -n | tail -n 1)
expect_ge 1460 "${longest#length }" "the longest payload on the wire, at most"
vtap_stop
