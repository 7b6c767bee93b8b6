#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Proves: a VLAN tag that an application leaves to the port arrives in the packet, or beside it at a
# receiver with VLAN stripping, in every Rx mode, whoever wrote the tag into the packet; without
# stripping a tag stays in the packet.
#
#   frames.pcap --> [testpmd or fido-fwd] ==> ( [strip: testpmd] ==> ) [ends: fido-fwd]
#   [ends: fido-fwd] --> came.pcap
set -eu
# shellcheck source=test/system/mmnet.bash
. "$(dirname "$0")/mmnet.bash"
need_hugepages 384
count=300
tag=77
peer_mac=02:00:00:00:00:01
mac=02:f1:d0:00:00:01
work=$(mktemp -d)
at_exit 'rm -rf "$work"'
fwd_options=(--mbufs 4096 --mtu 9000 --on-down hold --idle adaptive --stats-period 0 --json)

cut()
{
	PATH=/usr/bin:$PATH python3 -IS "$(dirname "$0")/helpers/cut.py" "$@"
}

ends()
{
	rm -f "$work/came.pcap"
	fido_fwd ends "$(on 1)" "$(dev 0 ends "$1")" "--vdev=net_pcap0,tx_pcap=$work/came.pcap" -- --map 0:net_pcap0 "${fwd_options[@]}"
	up ends
}

# strip PEER RX: testpmd that strips tags, prints them, and forwards
strip()
{
	local command
	testpmd strip "$(on2 1)" "$(dev 0 strip "$1" "rx=$2")" "$(dev 1 strip ends)" -- --no-flush-rx --enable-scatter --txd=4096 --tx-offloads=0x8000
	for command in "port stop all" "vlan set strip on 0" "port start all" "set fwd io" "set verbose 1" "start"; do
		testpmd_cmd strip "$command" >>"$work/commands"
	done
	# It drops what it cannot send yet.
	wait_for 20 'telemetry strip /ethdev/link_status,1 | matches "\"UP\""' || fail "the link of strip does not come up"
}

came()
{
	wait_for 20 '[ "$(xstat ends 0 rx_good_packets)" -ge $count ]' ||
		fail "$(xstat ends 0 rx_good_packets) of $count packets came"
	stop ends
}

tags_shown()
{
	expect_eq "$(grep -c "VLAN tci=0x$(printf %x $tag)" "$(log_of strip)")" $count "packets of which strip knows the tag"
}

# tagger NEXT, then send: testpmd that leaves the tag to the port
tagger()
{
	local command
	testpmd pmd "$(on2 0)" "$(dev 0 pmd "$1" "mac=$mac")" "--vdev=net_pcap0,rx_pcap=$work/frames.pcap" -- --no-flush-rx --txd=4096 \
		--portmask=3 --eth-peer=0,$peer_mac
	for command in "port stop all" "port config 0 tx_offload multi_segs on" "tx_vlan set 0 $tag" "port start all" "set fwd mac"; do
		testpmd_cmd pmd "$command" >>"$work/commands"
	done
	wait_for 20 'telemetry pmd /ethdev/link_status,0 | matches "\"UP\""' || fail "the link does not come up"
	testpmd_cmd pmd start >>"$work/commands"
}

cut make "$work/frames.pcap" $count >/dev/null
cut tag "$work/tagged.pcap" $count $tag >/dev/null

echo "--- left to the port, and nobody takes it out"
ends pmd
tagger ends
came
stop pmd
cut addressed "$work/frames.pcap" "$work/came.pcap" $peer_mac $mac $tag || fail "see above"

echo "--- left to the port, and beside the packet"
ends strip
strip pmd copy
tagger strip
came
stop pmd
tags_shown
stop strip
cut addressed "$work/frames.pcap" "$work/came.pcap" $peer_mac $mac || fail "see above"

for rx in header zero; do
	echo "--- in the packet, and taken out, rx=$rx"
	ends strip
	strip from $rx
	fido_fwd from "$(on 0)" "$(dev 0 from strip)" "--vdev=net_pcap0,rx_pcap=$work/tagged.pcap" -- --map net_pcap0:0 "${fwd_options[@]}"
	came
	stop from
	tags_shown
	stop strip
	cut untagged "$work/tagged.pcap" "$work/came.pcap" || fail "see above"
done
