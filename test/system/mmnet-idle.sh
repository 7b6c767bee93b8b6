#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Proves: a forwarder that has nothing to do costs nothing. For 10 seconds, with both links up, after traffic and all
# buffers back: under 1 % of a core, and its forwarding thread is not woken once. After it, packets pass as before.
#
#	gen ==> [fwd: asleep] ==> echo      for each way to idle: two lcores, one lcore, several links on one lcore
set -eu
# shellcheck source=test/system/mmnet.bash
. "$(dirname "$0")/mmnet.bash"
need_hugepages 512

# thread NAME COMM: the id of its thread of that name
thread()
{
	local task
	for task in "/proc/${lib_pid[$1]}/task"/*; do
		if [ "$(cat "$task/comm")" = "$2" ]; then
			basename "$task"
			return
		fi
	done
	fail "$1 has no thread $2"
}

# switches NAME TASK: how often it went to sleep by itself
switches()
{
	awk '/^voluntary_ctxt_switches:/ { print $2 }' "/proc/${lib_pid[$1]}/task/$2/status"
}

# cpu_us NAME: processor time of all its threads
cpu_us()
{
	awk '{ sum += $1 } END { print int(sum / 1000) }' "/proc/${lib_pid[$1]}/task"/*/schedstat
}

# wakeups NAME: times that a queue of its was armed and woken, by its own count
wakeups()
{
	xstat_sum "$1" '^rx_armed$'
}

# burst PORTS: packets through fwd and back; both ends stay, so that the links do
burst()
{
	local before
	before=$(xstat_sum echo '^rx_good_packets$')
	testpmd_cmd gen "start tx_first 4" >/dev/null
	wait_for 20 "[ \$(xstat_sum echo '^rx_good_packets\$') -ge $((before + $1 * 4 * 32)) ]" ||
		fail "only $(xstat_sum echo '^rx_good_packets$') packets arrived, not $((before + $1 * 4 * 32))"
	testpmd_cmd gen stop >/dev/null
}

# idle TITLE THREAD: nothing for 10 s
idle()
{
	local task cpu sleeps armed
	task=$(thread fwd "$2")
	# All buffers come back, and the last of the sleeps that have an end is over.
	wait_for 20 "[ \$(xstat_sum fwd '^[rt]x_buffers_(held|out)\$') = 0 ]" || fail "$1: buffers are still out"
	sleep 1
	armed=$(wakeups fwd)
	sleeps=$(switches fwd "$task")
	cpu=$(cpu_us fwd)
	sleep 10
	cpu=$(($(cpu_us fwd) - cpu))
	sleeps=$(($(switches fwd "$task") - sleeps))
	armed=$(($(wakeups fwd) - armed))
	echo "$1: in 10 s $cpu us of processor time, woken $sleeps times, armed $armed times"
	expect_eq "$sleeps" 0 "$1: wake-ups of the forwarding thread in 10 idle seconds"
	expect_eq "$armed" 0 "$1: times it armed its queues again in 10 idle seconds"
	[ "$cpu" -lt 100000 ] || fail "$1: $cpu us in 10 s is 1 % of a core or more"
}

# run TITLE LINKS LCORES THREAD OPTIONS...
run()
{
	local title=$1 links=$2 lcores=$3 thread=$4 i ports_gen=() ports_echo=() ports_fwd=()
	shift 4
	echo "--- $title"
	for ((i = 0; i < links; i++)); do
		ports_gen+=("$(dev "$i" gen fwd rx=zero "link=$i")")
		ports_echo+=("$(dev "$i" echo fwd rx=zero "link=$i")")
		ports_fwd+=("$(dev $((2 * i)) fwd gen rx=zero "link=$i")" "$(dev $((2 * i + 1)) fwd echo rx=zero "link=$i")")
	done
	fido_fwd fwd "$lcores" "${ports_fwd[@]}" -- --pairs --stats-period 0 --json "$@"
	testpmd echo "$(on2 1)" "${ports_echo[@]}" -- --forward-mode=rxonly
	testpmd gen "$(on2 0)" "${ports_gen[@]}" -- --forward-mode=rxonly
	up fwd
	testpmd_cmd echo start >/dev/null
	burst "$links"
	testpmd_cmd echo stop >/dev/null
	idle "$title" "$thread"
	testpmd_cmd echo start >/dev/null
	burst "$links"
	stop gen
	stop echo
	stop fwd
	expect_eq "$(result fwd '"\(.lost) \(.tx_dropped)"')" "0 0" "$title: lost, dropped"
}

run "adaptive, a lcore of its own" 1 "$(on2 1)" rte-worker-1 --idle adaptive
run "adaptive, one lcore for all" 1 "$(on 1)" fido-fwd --idle adaptive
run "interrupt, three links on one lcore" 3 "$(on 1)" fido-fwd --idle interrupt
