#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Proves: received mbufs can be cloned, and originals and clones checked, sent and freed in any
# order, by another lcore too: the content stays right until the last reference goes, and then every
# buffer comes back.
#
#   gen ==> clone      clone makes 1 or 2 clones of each packet, keeps up to 300, then frees, checks,
#   gen <== clone      returns or hands them to a second lcore (which does the same), at random
set -eu
# shellcheck source=test/system/mmnet.bash
. "$(dirname "$0")/mmnet.bash"
need_hugepages 384
count=40000

# run TITLE RX SIZES SEGS BACK [OPTION OF CLONE...]
run()
{
	echo "--- $1"
	pktcheck clone "--lcores=0@$(($(nproc) - 1)),1@0" "$(dev 0 clone gen rx="$2")" -- --mode clone --return "$5" --expect $count --hold 300 \
		--size 9000 --rxq 2 --txq 2 "${@:6}"
	pktcheck gen "$(on 0)" "$(dev 0 gen clone rx=zero)" -- --mode gen --return "${5/no/any}" --count $count \
		--size "$3" --segs "$4" --rxq 2 --txq 2
	finish gen 40
	finish clone 20
	expect_eq "$(result gen .tx_packets)" $count "packets sent"
	expect_received clone $count
	expect_eq "$(result gen .corrupt),$(result clone .corrupt)" 0,0 "corrupt in gen, in clone"
	expect_eq "$(result gen .mbufs_missing),$(result clone .mbufs_missing)" 0,0 "mbufs missing in gen, in clone"
	expect_stat gen 0 tx_buffers_out 0
	expect_stat clone 0 tx_buffers_out 0
	expect_stat clone 0 rx_buffers_held 0
	expect_stat gen 0 tx_error_completions 0
	expect_stat clone 0 rx_bad_descriptors 0
	[ "$5" = no ] || expect_ge "$(result gen .rx_packets)" $((count / 4)) "packets that came back"
}

run "zero" zero 60-1514 1 any
expect_no_copies clone 0
expect_ge "$(port_stat clone 0 tx_forwarded_packets)" $((count / 4)) "clones passed on by pointer"
run "zero, several segments, nothing sent back" zero 60-9000 4 no
run "zero, several segments" zero 60-9000 4 any
run "header" header 60-9000 2 any --scatter
run "copy" copy 60-9000 1 any
