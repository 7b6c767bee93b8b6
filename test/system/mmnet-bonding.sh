#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Proves: DPDK's bonding driver works over two mmnet ports, which report a lost link to it. When the
# domain at the end of one is killed, packets use the other, and all that are sent from then on
# arrive there; when it comes back, so does its link, in the modes active-backup and round-robin.
#
#	gen ==> port 2 [testpmd] bond of port 0 ==> left
#	                                 port 1 ==> right
set -eu
# shellcheck source=test/system/mmnet.bash
. "$(dirname "$0")/mmnet.bash"
need_hugepages 512
count=5000

sink()
{
	pktcheck "$1" "$(on 0)" "$(dev 0 "$1" pmd)" -- --mode sink --timeout 0
	up "$1"
}

# come_to NAME WHEN: packets arrive there now
come_to()
{
	local before
	before=$(xstat "$1" 0 rx_good_packets)
	wait_for 20 "[ \$(xstat $1 0 rx_good_packets) -gt $((before + 1000)) ]" ||
		fail "mode $mode: nothing arrives at $1 after $2"
}

gen()
{
	pktcheck gen "$(on 0)" "$(dev 0 gen pmd)" -- --mode gen --size 60-1514 --gap-us 1000 --timeout 0 "$@"
	up gen
}

# The ports that the bond sends on, in any order.
active()
{
	testpmd_cmd pmd "show bonding config 3" | sed -n 's/.*Active Slaves.*\[\(.*\)\].*/\1/p' | tr ' ' '\n' | sort | tr -d '\n'
}

for mode in 1 0; do
	echo "--- mode $mode"
	testpmd pmd "$(on2 1)" "$(dev 0 pmd left)" "$(dev 1 pmd right)" "$(dev 2 pmd gen)" \
		"--vdev=net_bonding0,mode=$mode,slave=net_mmnet0,slave=net_mmnet1" -- --portlist=2,3
	sink left
	sink right
	testpmd_cmd pmd start >/dev/null
	gen
	come_to left "the start"
	[ $mode = 1 ] || come_to right "the start"
	kill_hard left
	come_to right "left was killed"
	stop gen
	expect_eq "$(active)" 1 "mode $mode: ports that the bond sends by"
	gen --count $count --seed 100
	finish gen 60
	sink left
	wait_for 20 '[ "$(active)" = 01 ]' || fail "mode $mode: the link to left does not come back: $(active)"
	gen --seed 3
	# In mode 1 left gets nothing while right is there.
	[ $mode = 1 ] || come_to left "it is back"
	stop right
	come_to left "right has left"
	stop gen
	stop left
	stop pmd
	expect_eq "$(result right '.flows[] | select(.seed == 100) |
		[.packets, .lost, .duplicate, .late] | map(tostring) | join(" ")')" "$count 0 0 0" \
		"mode $mode: right, without left: received, lost, duplicate, late"
	expect_eq "$(result left .corrupt),$(result right .corrupt)" "0,0" "mode $mode: corrupt"
done
