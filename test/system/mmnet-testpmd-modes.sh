#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Proves: DPDK's testpmd works on mmnet ports as on others, in each forwarding mode: UDP, TCP, ICMP
# (IPv4 and IPv6) and ARP come out byte by byte as the mode writes them; the port detects wrong
# checksums on receive, and inserts those that are left to it; the packets of mode flowgen arrive
# flow after flow; noisy, which keeps packets for a while, loses none.
#
#	frames.pcap --> net_pcap0 [ends] net_mmnet0 ==> [testpmd]
#	came.pcap   <-- net_pcap0 [    ] net_mmnet1 <== [       ]
set -eu
# shellcheck source=test/system/mmnet.bash
. "$(dirname "$0")/mmnet.bash"
need_hugepages 384
frames_py=$(dirname "$0")/helpers/frames.py
# Fewer than the descriptors of a ring: testpmd drops what does not fit.
count=900
mac=02:f1:d0:00:00:01
work=$(mktemp -d)
at_exit 'rm -rf "$work"'

frames()
{
	PATH=/usr/bin:$PATH python3 -IS "$frames_py" "$@"
}

ends()
{
	rm -f "$work/came.pcap"
	fido_fwd ends "$(on 0)" "$(dev 0 ends pmd)" "$(dev 1 ends pmd link=1)" \
		"--vdev=net_pcap0,rx_pcap=$work/frames.pcap,tx_pcap=$work/came.pcap" -- \
		--map "$1" --on-down hold --idle adaptive --stats-period 0 --json
	up ends
}

# expect_count NAME WANT: of testpmd's counters, in its answer to `stop`
expect_count()
{
	expect_eq "$(sed -n "s/.*$1: \([0-9]*\).*/\1/p" "$work/stop" | head -n 1)" "$2" "testpmd: $1"
}

# run MODE [COMMAND...]
run()
{
	local mode=$1 command port
	shift
	echo "--- $mode" "$@"
	for command in "$@" "set fwd $mode" "clear port xstats all"; do
		testpmd_cmd pmd "$command" >>"$work/commands"
	done
	ends net_pcap0:net_mmnet0,net_mmnet1:net_pcap0
	# It drops what it cannot send yet.
	for port in 0 1; do
		wait_for 20 "telemetry pmd /ethdev/link_status,$port | matches '\"UP\"'" ||
			fail "$mode: the link of port $port does not come up"
	done
	testpmd_cmd pmd start >>"$work/commands"
	wait_for 30 '[ "$(xstat ends 1 rx_good_packets)" -ge $count ]' ||
		fail "$mode: $(xstat ends 1 rx_good_packets) of $count packets came"
	testpmd_cmd pmd stop >"$work/stop"
	stop ends
	[ "$mode" != noisy ] || mode=io
	echo_run frames check "$mode" "$work/frames.pcap" "$work/came.pcap" "02:00:00:00:00:01" $mac || fail "$mode: see above"
}

read -r bad_ip bad_l4 <<<"$(frames make "$work/frames.pcap" $count)"
testpmd pmd "$(on2 1)" "$(dev 0 pmd ends)" "$(dev 1 pmd ends "link=1,mac=$mac")" -- --no-flush-rx --noisy-tx-sw-buffer-size=256 \
	--noisy-tx-sw-buffer-flushtime=20 --noisy-lkup-memory=1 --noisy-lkup-num-reads-writes=4
for mode in io mac macswap 5tswap csum noisy; do
	run $mode
done

echo "--- checksums by the port"
for command in "port stop all" "port config 0 rx_offload ipv4_cksum on" "port config 0 rx_offload udp_cksum on" \
	"port config 0 rx_offload tcp_cksum on" "port config 1 tx_offload ipv4_cksum on" "port start all" "csum set ip hw 1"; do
	testpmd_cmd pmd "$command" >>"$work/commands"
done
run csum
expect_count Bad-ipcsum "$bad_ip"
expect_count Bad-l4csum "$bad_l4"

echo "--- flowgen"
for command in "set fwd flowgen" "clear port xstats all" "start"; do
	testpmd_cmd pmd "$command" >>"$work/commands"
done
ends net_mmnet1:net_pcap0
wait_for 30 '[ "$(xstat ends 1 rx_good_packets)" -ge 5000 ]' || fail "flowgen: $(xstat ends 1 rx_good_packets) packets came"
testpmd_cmd pmd stop >"$work/stop"
stop ends
echo_run frames flows "$work/came.pcap" 1024 || fail "flowgen: see above"
stop pmd
