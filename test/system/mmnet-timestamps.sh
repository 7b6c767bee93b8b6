#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Proves: with the timestamp offload each packet carries its receive time, on the clock of
# rte_eth_read_clock(): after it was sent, within the burst that delivered it, and not before that
# of the packet before; in every Rx mode.
#
#	gen ==> echo
#	gen <== echo
set -eu
# shellcheck source=test/system/mmnet.bash
. "$(dirname "$0")/mmnet.bash"
need_hugepages 256
count=5000

# run RX [OPTION...]
run()
{
	echo "--- rx=$1"
	pktcheck echo "$(on 1)" "$(dev 0 echo gen "rx=$1")" -- --mode echo --expect $count --times "${@:2}"
	pktcheck gen "$(on 0)" "$(dev 0 gen echo "rx=$1")" -- --mode gen --count $count --size 64-1500 --return yes --window 200 --times "${@:2}"
	finish gen 40
	finish echo 10
	expect_received gen $count
	expect_eq "$(result gen '[.times_right, .times_own, .times_wrong] | map(tostring) | join(" ")')" "$count $count 0" \
		"gen: times within their bursts, and after they were sent; wrong ones"
	expect_eq "$(result echo '[.times_right, .times_wrong] | map(tostring) | join(" ")')" "$count 0" "echo: times right, wrong"
}

run copy
run zero
run header --scatter
