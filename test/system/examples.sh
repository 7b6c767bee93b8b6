#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Proves: the programs in apps/examples work as described: all lines and packets arrive, by address.
#
#	a (example-sender) --> b (example-receiver)	a --> s (example-stage) --> b
#	gen (example-arena-send, heap=off) --> sink (testpmd)
set -eu
# shellcheck source=test/system/mmnet.bash
. "$(dirname "$0")/mmnet.bash"
examples=$FIDO_BUILD/apps/examples
count=5000
need_hugepages 320

# says NAME WANT: it exits, and its last line is this
says()
{
	finish "$1" 30
	expect_eq "$(tail -n 1 "$(log_of "$1")")" "$2" "what $1 says"
}

echo "--- two ends, the receiver first"
start b "$examples/example-receiver" "$fido_group" b a $count
start a "$examples/example-sender" "$fido_group" a b $count
says a "sent $count lines"
says b "received $count lines, the last one: line $((count - 1))"

echo "--- a stage between them, the sender first"
start a "$examples/example-sender" "$fido_group" a s $count
start s "$examples/example-stage" "$fido_group" s a b $count
start b "$examples/example-receiver" "$fido_group" b s $count
says a "sent $count lines"
says s "passed on $count lines by address"
says b "received $count lines, the last one: line $((count - 1))"

echo "--- packets from an arena"
testpmd sink "$(on2 1)" "$(dev 0 sink gen)" -- --forward-mode=rxonly
testpmd_cmd sink start >/dev/null
lib_start_eal gen "$examples/example-arena-send" "$(on 0)" "$(dev 0 gen sink heap=off)" -- $count
says gen "sent $count packets without a copy"
expect_eq "$(xstat sink 0 rx_good_packets)" $count "packets that the sink got"
stop sink
