#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Proves: TCP segmentation and checksums that an application leaves to the port come out right, in
# every Rx mode of a receiver without such offloads; if the receiver accepts unfinished packets,
# they cross in one piece and are finished where they leave, from another domain's memory.
#
#   frames.pcap --> [testpmd, csum] ==> ( [mid: fido-fwd --offload] ==> ) [ends: fido-fwd]
#   [ends: fido-fwd] --> came.pcap
set -eu
# shellcheck source=test/system/mmnet.bash
. "$(dirname "$0")/mmnet.bash"
need_hugepages 384
count=200
segsz=800
mac=02:f1:d0:00:00:01
work=$(mktemp -d)
at_exit 'rm -rf "$work"'

cut()
{
	PATH=/usr/bin:$PATH python3 -IS "$(dirname "$0")/helpers/cut.py" "$@"
}

# ends PEER ARG... -- OPTION...
ends()
{
	local args=()
	while [ "$1" != -- ]; do
		args+=("$1")
		shift
	done
	rm -f "$work/came.pcap"
	fido_fwd ends "$(on 1)" "$(dev 0 ends "${args[@]}")" "--vdev=net_pcap0,tx_pcap=$work/came.pcap" -- \
		--map 0:net_pcap0 --mbufs 8192 --on-down hold --idle adaptive --stats-period 0 --json "${@:2}"
	up ends
}

mid()
{
	fido_fwd mid "$(on 1)" "$(dev 0 mid pmd "rx=$1")" "$(dev 1 mid ends arena=16M)" -- --map 0:1 --mbufs 8192 --offload \
		--on-down hold --idle adaptive --stats-period 0 --json "${@:2}"
	up mid
}

# source_for NEXT: testpmd, which sends to domain NEXT
source_for()
{
	local command
	testpmd pmd "$(on2 0)" "$(dev 0 pmd "$1" "mac=$mac" arena=16M)" "--vdev=net_pcap0,rx_pcap=$work/frames.pcap" -- \
		--no-flush-rx --txd=4096 --portmask=3 --eth-peer=0,02:00:00:00:00:01
	for command in "port stop all" "port config 0 tx_offload multi_segs on" "csum set ip hw 0" "csum set tcp hw 0" "csum set udp hw 0" "tso set $segsz 0" "set fwd csum"; do
		testpmd_cmd pmd "$command" >>"$work/commands"
	done
}

# Send all frames again, and wait until their pieces are at the end.
send()
{
	testpmd_cmd pmd "port start all" >>"$work/commands"
	wait_for 20 'telemetry pmd /ethdev/link_status,0 | matches "\"UP\""' || fail "the link does not come up"
	testpmd_cmd pmd start >>"$work/commands"
	wait_for 20 '[ "$(xstat ends 0 rx_good_packets)" -ge $pieces ]' ||
		fail "$(xstat ends 0 rx_good_packets) of $pieces packets came"
	testpmd_cmd pmd stop >>"$work/commands"
	testpmd_cmd pmd "port stop all" >>"$work/commands"
}

check()
{
	cut check $segsz "$work/frames.pcap" "$work/came.pcap" 02:00:00:00:00:01 $mac || fail "see above"
}

pieces=$(cut make "$work/frames.pcap" $count)
source_for ends
for mode in copy zero; do
	echo "--- finished by the sender, rx=$mode"
	ends pmd "rx=$mode" --
	send
	stop ends
	check
done
stop pmd

source_for mid
for mode in zero copy; do
	echo "--- finished at the last hop, rx=$mode in the middle"
	ends mid rx=zero --
	mid $mode --scatter
	send
	stop mid
	stop ends
	expect_eq "$(result mid .rx_packets)" $count "packets that crossed in one piece"
	check
done
stop pmd
