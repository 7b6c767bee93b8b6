#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Proves: a sleeping forwarder misses nothing: with a packet each 10 ms all arrive soon, and the
# processor is free; and no wake-up is lost when bursts come just as it falls asleep.
#
#	gen ==[ a packet each 10 ms ]==> fwd, asleep ==> echo
#	gen <=========================== fwd        <=== echo
set -eu
# shellcheck source=test/system/mmnet.bash
. "$(dirname "$0")/mmnet.bash"
need_hugepages 384

# run TITLE COUNT GAP_US IDLE BURST RX
run()
{
	local seconds cpu
	echo "--- $1"
	fido_fwd fwd "$(on 1)" "$(dev 0 fwd gen "rx=$6")" "$(dev 1 fwd echo "rx=$6")" -- --idle "$4" --on-down hold --json \
		--stats-period 0
	pktcheck echo "$(on 0)" "$(dev 0 echo fwd rx=zero)" -- --mode echo --expect "$2"
	up fwd echo
	pktcheck gen "$(on 0)" "$(dev 0 gen fwd rx=zero)" -- --mode gen --return yes --count "$2" --size 60-1514 \
		--gap-us "$3" --burst "$5" --timeout 40
	finish gen 50
	finish echo 10
	stop fwd
	expect_received gen "$2"
	expect_eq "$(result fwd .lost),$(result fwd .tx_dropped)" 0,0 "fwd: lost, dropped"
	seconds=$(result fwd '.seconds') cpu=$(result fwd '.cpu_seconds')
	echo "fwd: $cpu s of processor time in $seconds s, idle $(result fwd .idle_percent) %"
}

# busy MAX_PERCENT
busy()
{
	expect_eq "$(result fwd ".cpu_seconds < .seconds * $1 / 100")" true "fwd takes more than $1 % of a core"
}

for rx in zero copy; do
	run "adaptive, a packet each 10 ms, rx=$rx" 200 10000 adaptive 1 $rx
	busy 10
	expect_ge "$(result fwd '.idle_percent | floor')" 80 "idle"
	# 2 s are the gaps; each lost wake-up would cost up to 100 ms.
	expect_eq "$(result gen '.seconds < 4')" true "a wake-up was late: $(result gen .seconds) s"
done
run "interrupts only, bursts each 150 us" 20000 150 interrupt 8 zero
run "adaptive, bursts as it falls asleep" 20000 60 adaptive 8 zero
