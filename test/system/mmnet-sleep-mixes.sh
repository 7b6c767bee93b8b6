#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Proves: in any mix of sleeping and polling domains no packet waits forever: a poller sends to a
# sleeper and a sleeper to a poller, several queues ring one doorbell, one lcore sleeps on several
# links, and a sender sleeps on its full ring. The gap between bursts is about as long as a domain
# polls before it sleeps, so that many bursts hit it as it falls asleep.
#
#   gen ==> [fwd1] ==> [fwd2] ==> echo      there and back; how fwd1 and fwd2 idle, their queues and
#                                           links differ
set -eu
# shellcheck source=test/system/mmnet.bash
. "$(dirname "$0")/mmnet.bash"
need_hugepages 768

# run TITLE COUNT IDLE1 IDLE2 QUEUES LINKS [GEN_OPTION...]; QUEUES of gen and echo, with /N:
# forwarders have N
run()
{
	local title=$1 count=$2 first=$3 second=$4 queues=${5%/*} fwd_queues=${5#*/} links=$6 i ports_gen=() ports_1=() ports_2=() ports_echo=()
	shift 6
	echo "--- $title"
	for ((i = 0; i < links; i++)); do
		ports_gen+=("$(dev "$i" gen fwd1 rx=zero "link=$i")")
		ports_1+=("$(dev $((2 * i)) fwd1 gen rx=zero "link=$i")" "$(dev $((2 * i + 1)) fwd1 fwd2 rx=zero "link=$i")")
		ports_2+=("$(dev $((2 * i)) fwd2 fwd1 rx=zero "link=$i")" "$(dev $((2 * i + 1)) fwd2 echo rx=zero "link=$i")")
		ports_echo+=("$(dev "$i" echo fwd2 rx=zero "link=$i")")
	done
	# shellcheck disable=SC2086 # the idle modes are options with values
	fido_fwd fwd1 "$(on 0)" "${ports_1[@]}" -- --idle $first --on-down hold --json --stats-period 0 \
		--rxq "$fwd_queues" --txq "$fwd_queues"
	# shellcheck disable=SC2086
	fido_fwd fwd2 "$(on 1)" "${ports_2[@]}" -- --idle $second --on-down hold --json --stats-period 0 \
		--rxq "$fwd_queues" --txq "$fwd_queues"
	pktcheck echo "$(on 1)" "${ports_echo[@]}" -- --mode echo --expect "$count" --timeout 50 --rxq "$queues" \
		--txq "$queues"
	up fwd1 fwd2 echo
	pktcheck gen "$(on 0)" "${ports_gen[@]}" -- --mode gen --return yes --count "$count" --size 60-1514 \
		--rxq "$queues" --txq "$queues" --timeout 50 "$@"
	finish gen 60
	finish echo 10
	expect_received gen "$count"
	expect_received echo "$count"
	for i in fwd1 fwd2; do
		stop $i
		expect_eq "$(result $i '"\(.lost) \(.tx_dropped)"')" "0 0" "$i: lost, dropped"
	done
}

# slept NAME: it did sleep, or the test proves nothing
slept()
{
	expect_eq "$(result "$1" '.idle_percent > 10')" true "$1 was busy all the time"
}

run "a poller, then a sleeper" 5000 poll interrupt 1 1 --gap-us 500 --burst 8
slept fwd2
run "a sleeper, then a poller" 5000 interrupt poll 1 1 --gap-us 500 --burst 8
slept fwd1
run "four queues, one lcore" 5000 "adaptive --spin-us 100" interrupt 4 1 --gap-us 300 --burst 8
slept fwd1
slept fwd2
run "four rings that ring one doorbell" 5000 interrupt interrupt 4/1 1 --gap-us 300 --burst 8
slept fwd1
slept fwd2
run "three links on one lcore" 5000 interrupt "adaptive --spin-us 100" 1 3 --gap-us 300 --burst 8
slept fwd1
slept fwd2
run "three links with two queues each, two at a time" 5000 adaptive adaptive 2 3 --gap-us 200 --burst 4
# One descriptor ring is full most of the time: the sender sleeps for completions.
run "a full ring" 100000 adaptive adaptive 1 1
