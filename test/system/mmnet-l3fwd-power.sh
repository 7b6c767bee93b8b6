#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Proves: DPDK's own l3fwd-power, as in Debian's source package, works on mmnet ports: it sleeps
# between bursts, is woken by Rx interrupts of both ports, and routes every packet there and back
# unharmed; in interrupt mode and in its default mode.
#
#   a ==[ a burst each 100 ms, then many ]==> port 0 [l3fwd-power] port 1 ==> b
#   a <====================================== port 0 [           ] port 1 <== b      and then from b
set -eu
# shellcheck source=test/system/mmnet.bash
. "$(dirname "$0")/mmnet.bash"
need_hugepages 512
work=$(mktemp -d)
at_exit 'rm -rf "$work"'

# account NAME: how often its main thread blocked, and its processor time in microseconds
account()
{
	local task=/proc/${lib_pid[$1]}
	awk '/^voluntary_ctxt_switches:/ { n = $2 } FILENAME ~ /schedstat/ { us = int($1 / 1000) }
		END { print n, us }' "$task/task/${lib_pid[$1]}/status" "$task/schedstat"
}

# woken PORT: times that an interrupt of the port woke it
woken()
{
	grep -ac "waked up from rx interrupt on port $1 queue 0" "$(log_of power)" || true
}

# link PORT: UP or DOWN, as l3fwd-power sees it
link()
{
	telemetry power "/ethdev/link_status,$1" | jq -r '.["/ethdev/link_status"].status'
}

# send COUNT GAP_US BURST WINDOW: from the left to the right and back
send()
{
	pktcheck "$left" "$(on 0)" "$(dev 0 "$left" power)" -- --mode gen --ipv4 "$to" --return yes --count "$1" \
		--size 60-1514 --gap-us "$2" --burst "$3" --window "$4" --timeout 60 --go "$work/go"
	up "$left"
	# A router drops what comes back before the link that it came from is up.
	wait_for 20 '[ "$(link 0) $(link 1)" = "UP UP" ]' || fail "the links are $(link 0) and $(link 1)"
	touch "$work/go"
}

# done_with COUNT: all came back, and the link is down
done_with()
{
	finish "$left" 70
	expect_received "$left" "$1"
	rm "$work/go"
	wait_for 20 '[ "$(link $port)" = DOWN ]' || fail "the link of port $port stays up"
}

# sleeps SECONDS: it sleeps during them, with a burst each 100 ms
sleeps()
{
	local before after
	read -ra before <<<"$(account power)"
	sleep "$1"
	read -ra after <<<"$(account power)"
	echo "in $1 s: slept $((after[0] - before[0])) times, $((after[1] - before[1])) us of processor time"
	# It checks for the end of its run each 10 ms: 100 sleeps a second. A polling one never
	# sleeps.
	expect_ge $((after[0] - before[0])) $((5 * $1)) "sleeps in $1 s"
	[ $((after[1] - before[1])) -lt $(($1 * 300000)) ] || fail "it used $((after[1] - before[1])) us in $1 s: it polls"
}

# there_and_back TITLE PORT LEFT RIGHT TO: LEFT, at that port, sends, RIGHT sends back
there_and_back()
{
	local title=$1 port=$2 left=$3 right=$4 to=$5 n
	echo "--- $title: $left sends, $right sends back"
	pktcheck "$right" "$(on 0)" "$(dev 0 "$right" power rx=copy)" -- --mode echo --ipv4 "$to" --timeout 120
	up "$right"
	n=$(woken "$port")
	send 200 100000 8 0
	wait_for 30 "[ \$(woken $port) -gt $n ] || ! is_running '$left'" || fail "nothing wakes it"
	sleeps 2
	done_with 200
	n=$(($(woken "$port") - n))
	echo "woken by port $port: $n times"
	# 200 packets in bursts of 1 to 8 are at least 25 bursts; on a busy machine some merge.
	expect_ge "$n" 10 "wake-ups by port $port"
	for n in 1 2 3; do
		echo "--- $title: nothing, then many, $n"
		sleep 0.2
		send 20000 0 32 256
		done_with 20000
	done
	stop "$right"
}

# run TITLE [OPTION...]
run()
{
	local title=$1
	shift
	dpdk_example power l3fwd-power "$(on 1)" "$(dev 0 power a)" "$(dev 1 power b)" -- -p 0x3 -P --parse-ptype \
		--no-numa "--config=(0,0,0),(1,0,0)" "$@"
	there_and_back "$title" 0 a b to-1
	there_and_back "$title" 1 b a to-0
	stop power
}

run "--interrupt-only" --interrupt-only
# Interrupts; with cpufreq, on a physical machine, also the clock.
run "default mode"
