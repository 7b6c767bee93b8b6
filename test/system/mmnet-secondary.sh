#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Proves: DPDK's tools that run as secondary processes work on an application's mmnet ports:
# dpdk-proc-info sees link, queues, counters and state as the application does, and clears the
# counters; dpdk-dumpcap captures what is received. A secondary gets no port of its own, and the
# application goes on when one exits.
#
#	gen ==> sink, as primary of:  dpdk-proc-info, dpdk-dumpcap
set -eu
# shellcheck source=test/system/mmnet.bash
. "$(dirname "$0")/mmnet.bash"
need_hugepages 256
# Shared with secondary processes, of which dpdk-dumpcap runs on lcore 0.
eal_memory=(-m 128)
prefix=$lib_id-sink
lib_prefix[sink]=$prefix
installed_driver

proc_info()
{
	"${installed[@]}" dpdk-proc-info --file-prefix "$prefix" --no-pci --no-telemetry "$@" >"$lib_dir/answer" 2>&1 ||
		fail "dpdk-proc-info $*: $(tail -n 5 "$lib_dir/answer")"
}

# says PATTERN: dpdk-proc-info's last answer matches
says()
{
	grep -Eq "$1" "$lib_dir/answer" || fail "no '$1' in dpdk-proc-info's answer: $(cat "$lib_dir/answer")"
}

gen()
{
	pktcheck gen "$(on 0)" "$(dev 0 gen sink)" -- --mode gen --size 60-1514 --txd 256 "$@"
}

start sink "${installed[@]}" stdbuf -oL "$FIDO_BUILD/test/system/helpers/pktcheck" --file-prefix "$prefix" --no-pci \
	"${eal_memory[@]}" "--lcores=1@$((1 % $(nproc)))" "$(dev 0 sink gen rx=zero)" -- --mode sink --rxq 2 --txq 2 --pdump --timeout 0
up sink

echo "--- dpdk-proc-info, the link is down"
proc_info -- --show-port
says 'driver net_mmnet device net_mmnet0'
says 'Link down'
proc_info -- --stats
says 'RX-packets: 0 '

echo "--- dpdk-proc-info after 5000 packets"
gen --count 5000
finish gen 30
wait_for 20 '[ "$(xstat sink 0 rx_good_packets)" = 5000 ]' || fail "sink has $(xstat sink 0 rx_good_packets) packets"
proc_info -- --xstats
for want in rx_good_packets rx_zero_copy_packets rx_q0_packets rx_q0_zero_copy_packets; do
	says "^$want: 5000$"
done
for want in rx_copied_packets rx_q1_zero_copy_packets rx_buffers_held tx_q1_buffers_out; do
	says "^$want: 0$"
done
proc_info -- --show-port-private
says "domain sink of group $fido_group, link 0 to gen"
says 'started, link down, rx=zero \(zero\), heap=on'
says 'rx queue 0: started, .* 5000 descriptors read, 5000 given back'
proc_info -- --stats-reset
proc_info -- --stats
says 'RX-packets: 0 '
expect_eq "$(xstat sink 0 rx_good_packets)" 0 "packets that sink counts after a secondary has cleared them"

echo "--- a secondary gets no port of its own"
proc_info "$(dev 5 other gen)" -- --stats
says 'net_mmnet5: a secondary process cannot have a port of its own'

echo "--- dpdk-dumpcap, and dpdk-proc-info while packets flow"
gen --gap-us 500 --burst 8 --timeout 0
start capture "${installed[@]}" dpdk-dumpcap --file-prefix="$prefix" -i net_mmnet0 -c 200 -P -w "$lib_dir/packets.pcap"
wait_for 20 '[ "$(xstat sink 0 rx_good_packets)" -gt 2000 ]' || fail "no packets flow"
proc_info -- --show-port
says 'Link up'
says '0 descriptors 256 '
finish capture 40
tcpdump -nr "$lib_dir/packets.pcap" ether proto 0x88b5 2>/dev/null | grep -c ethertype >"$lib_dir/count" || true
expect_ge "$(cat "$lib_dir/count")" 200 "packets captured"
before=$(xstat sink 0 rx_good_packets)
wait_for 20 "[ \$(xstat sink 0 rx_good_packets) -gt $((before + 1000)) ]" || fail "no packets flow after the capture"
stop gen
stop sink
expect_whole sink
