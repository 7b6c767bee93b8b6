#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Proves: DPDK's ip_fragmentation and ip_reassembly, as in Debian's source package, run unmodified
# on mmnet ports: one reassembles what the other fragments, and every byte is as it was; the port
# inserts the header checksums that both leave to it; and in the default Rx mode the payload stays
# in place until it is forwarded.
#
#	a ==> [ip_fragmentation] ==> [ip_reassembly] ==> b
#	a ==> [ip_fragmentation] ==> [fido-fwd] net_pcap --> fragments.pcap, for tcpdump to read
set -eu
# shellcheck source=test/system/mmnet.bash
. "$(dirname "$0")/mmnet.bash"
need_hugepages 640
command -v tcpdump >/dev/null || skip "tcpdump is not installed: apt-get install tcpdump"
# Both drop what does not fit into a ring: the fragments of this many packets do.
count=100
mac=02:f1:d0:00:00:01
work=$(mktemp -d)
at_exit 'rm -rf "$work"'
# Neither of them leaves the group when it exits.
at_exit 'rm -rf "${FIDO_RUNDIR:?}/$fido_group"'

# up_links NAME PORT...
up_links()
{
	local name=$1 port
	shift
	for port in "$@"; do
		wait_for 20 "telemetry $name /ethdev/link_status,$port | matches '\"UP\"'" ||
			fail "$name: the link of port $port does not come up"
	done
}

# frag RX NEXT, with a before it
frag()
{
	dpdk_example frag ip_fragmentation "$(on 1)" "$(dev 0 frag a "rx=$1")" "$(dev 1 frag "$2" "rx=$1")" -- -p 0x3 -q 2
}

# send: from a; leaves the number of bytes in $sent
send()
{
	pktcheck a "$(on 0)" "$(dev 0 a frag)" -- --mode gen --ipv4 to-1 --net-100 --count $count --size 60-9000 --random \
		--timeout 60
	finish a 70
	sent=$(result a .tx_bytes)
}

# cut: what frag made of it
cut()
{
	local n
	n=$(xstat frag 1 tx_good_packets)
	echo "$count packets in $n fragments"
	expect_ge "$n" $((3 * count)) "fragments"
	expect_eq "$(xstat frag 1 tx_good_bytes)" $((sent + 34 * (n - count))) "bytes: those of a, and headers"
}

for rx in auto copy; do
	echo "--- rx=$rx: cut and put together"
	frag $rx reasm
	dpdk_example reasm ip_reassembly "$(on 0)" "$(dev 0 reasm frag)" "$(dev 1 reasm b mac=$mac)" -- -p 0x3 -q 2 \
		--maxflows=64 --flowttl=30s
	pktcheck b "$(on 0)" "$(dev 0 b reasm)" -- --mode sink --ipv4 to-1 --net-100 --expect $count --size 9000 \
		--timeout 150 --ether "02:00:00:00:00:01-$mac"
	up_links reasm 0 1
	up_links frag 1
	send
	finish b 30
	expect_received b $count
	expect_eq "$(result b .rx_bytes)" "$sent" "bytes"
	cut
	expect_eq "$(xstat reasm 0 rx_good_packets)" "$(xstat frag 1 tx_good_packets)" "fragments that came to reasm"
	expect_eq "$(xstat reasm 1 tx_good_packets)" $count "packets put together"
	if [ $rx = auto ]; then
		expect_ge "$(xstat frag 0 rx_header_packets)" $((9 * count / 10)) "packets of which frag copied the header only"
		# Fragments of a's memory that reasm had not mapped yet were copied.
		echo "$(xstat frag 1 tx_forwarded_packets) fragments of a's memory"
	fi
	# Its handler for SIGINT shuts EAL down while the interrupted thread polls.
	kill_hard reasm
	stop frag 130
done

echo "--- the fragments"
frag auto cap
fido_fwd cap "$(on 0)" "$(dev 0 cap frag)" "--vdev=net_pcap0,tx_pcap=$work/fragments.pcap" -- \
	--map net_mmnet0:net_pcap0 --idle adaptive --stats-period 0 --json
up_links frag 1
send
wait_for 20 '[ "$(xstat cap 0 rx_good_packets)" = "$(xstat frag 1 tx_good_packets)" ]' || fail "not all came to cap"
cut
n=$(xstat frag 1 tx_good_packets)
stop frag 130
stop cap
tcpdump -nnvr "$work/fragments.pcap" >"$work/text" 2>"$work/errors" || fail "tcpdump: $(cat "$work/errors")"
expect_eq "$(grep -c 'IP (tos' "$work/text")" "$n" "IPv4 packets that tcpdump sees"
expect_ge "$(grep -c 'flags \[+\]' "$work/text")" $((2 * count)) "fragments that more follow"
expect_eq "$(grep -c 'bad cksum' "$work/text" || true)" 0 "header checksums that are wrong"
