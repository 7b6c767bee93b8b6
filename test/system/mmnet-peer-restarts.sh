#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Proves: either end may start first; when a peer exits the other sees the link go down, and up
# again when it comes back; traffic flows again, and the survivor need not restart. (A killed peer:
# mmnet-peer-killed.sh.)
#
#	gen ==> echo     gen restarts, echo stays
#	gen <== echo
#	gen ==> sink     sink restarts in the middle of traffic, gen stays
#	gen ==> testpmd  the events that an application sees
set -eu
# shellcheck source=test/system/mmnet.bash
. "$(dirname "$0")/mmnet.bash"
need_hugepages 384

# start_gen COUNT [OPTION...]
start_gen()
{
	pktcheck gen "$(on 0)" "$(dev 0 gen echo rx=zero)" -- --mode gen --return yes --count "$1" --size 60-4000 \
		--segs 2 "${@:2}"
}

whole_gen()
{
	finish gen 40
	expect_received gen "$1"
	expect_no_copies gen 0
}

echo "--- the sender first"
start_gen 5000 --seed 1
up gen
sleep 0.5
pktcheck echo "$(on 1)" "$(dev 0 echo gen rx=zero)" -- --mode echo --timeout 0
whole_gen 5000

echo "--- the receiver first, and more runs of the sender"
for seed in 2 3 4; do
	start_gen 5000 --seed $seed
	whole_gen 5000
done

echo "--- the sender stops in the middle of traffic"
start_gen 0 --seed 5
up gen
wait_for 10 "[ \$(xstat gen 0 rx_good_packets) -gt 0 ]" || fail "no traffic"
stop gen
start_gen 5000 --seed 6
whole_gen 5000
stop echo
expect_whole echo
expect_eq "$(result echo '[.flows[] | select(.packets == 5000)] | length')" 5 "flows of 5000 packets"

echo "--- the receiver restarts in the middle of traffic, the sender stays"
pktcheck gen "$(on 0)" "$(dev 0 gen sink)" -- --mode gen --size 60-4000 --segs 2 --timeout 0 --mbufs 16384 --burst 64
for rx in zero copy auto; do
	pktcheck sink "$(on 1)" "$(dev 0 sink gen rx=$rx)" -- --mode sink --timeout 0 --hold 50 --size 4000
	up sink
	wait_for 10 "[ \$(xstat sink 0 rx_good_packets) -gt 1000 ]" || fail "no traffic to the sink with rx=$rx"
	stop sink
	expect_whole sink
	is_running gen || fail "gen exited with its peer"
done
pktcheck sink "$(on 1)" "$(dev 0 sink gen rx=zero)" -- --mode sink --expect 50000
finish sink 30
expect_whole sink
stop gen
expect_stat gen 0 tx_copied_packets 0

echo "--- what an application sees"
testpmd pmd "$(on2 1)" "$(dev 0 sink gen)" -- --forward-mode=rxonly
testpmd_cmd pmd start >/dev/null
# events NUMBER STATE: wait for that many link events, and the link in that state
events()
{
	wait_for 10 "[ \$(grep -c 'link state change event' '$(log_of pmd)') -ge $1 ]" ||
		fail "testpmd has seen $(grep -c 'link state change event' "$(log_of pmd)") events, not $1"
	expect_eq "$(telemetry pmd /ethdev/link_status,0 | jq -r '.["/ethdev/link_status"].status')" "$2" "link"
}
events 0 DOWN
for i in 1 3; do
	pktcheck gen "$(on 0)" "$(dev 0 gen sink)" -- --mode gen --size 60-1500 --timeout 0
	events $i UP
	wait_for 10 "[ \$(xstat pmd 0 rx_good_packets) -gt 100 ]" || fail "testpmd receives nothing"
	testpmd_cmd pmd "clear port xstats all" >/dev/null
	stop gen
	events $((i + 1)) DOWN
done
stop pmd
