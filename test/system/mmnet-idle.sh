#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Proves: an idle forwarder costs nothing. For 10 seconds after traffic, with both links up and all
# buffers back, it takes under 1 % of a core, and its forwarding thread is not woken once. Then
# packets pass as before.
#
#   gen ==> [fwd: asleep] ==> echo      two lcores; one lcore; one lcore with several links;
#                                       all three idle at the same time
set -eu
# shellcheck source=test/system/mmnet.bash
. "$(dirname "$0")/mmnet.bash"
need_hugepages 768
eal_memory=(--in-memory -m 64)

# thread_of NAME COMM: the id of its thread of that name
thread_of()
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

# switches NAME TASK: how often it blocked
switches()
{
	awk '/^voluntary_ctxt_switches:/ { print $2 }' "/proc/${lib_pid[$1]}/task/$2/status"
}

# cpu_us NAME: processor time of all its threads
cpu_us()
{
	awk '{ sum += $1 } END { print int(sum / 1000) }' "/proc/${lib_pid[$1]}/task"/*/schedstat
}

# wakeups NAME: times that one of its queues was armed and woken, by its own count
wakeups()
{
	xstat_sum "$1" '^rx_armed$'
}

# burst WAY: packets through its fwd and back; both ends stay, and so do the links
burst()
{
	local before want
	before=$(xstat_sum "echo$1" '^rx_good_packets$')
	want=$((before + links[$1] * 4 * 32))
	testpmd_cmd "gen$1" "start tx_first 4" >/dev/null
	wait_for 20 "[ \$(xstat_sum 'echo$1' '^rx_good_packets\$') -ge $want ]" ||
		fail "${title[$1]}: only $(xstat_sum "echo$1" '^rx_good_packets$') packets arrived, not $want"
	testpmd_cmd "gen$1" stop >/dev/null
}

# begin WAY TITLE LINKS LCORES THREAD OPTIONS...
begin()
{
	local i n=$1 lcores=$4 ports_gen=() ports_echo=() ports_fwd=()
	title[$n]=$2
	links[$n]=$3
	thread[$n]=$5
	shift 5
	echo "--- ${title[$n]}"
	for ((i = 0; i < links[n]; i++)); do
		ports_gen+=("$(dev "$i" "gen$n" "fwd$n" rx=zero "link=$i")")
		ports_echo+=("$(dev "$i" "echo$n" "fwd$n" rx=zero "link=$i")")
		ports_fwd+=("$(dev $((2 * i)) "fwd$n" "gen$n" rx=zero "link=$i")"
			"$(dev $((2 * i + 1)) "fwd$n" "echo$n" rx=zero "link=$i")")
	done
	fido_fwd "fwd$n" "$lcores" "${ports_fwd[@]}" -- --pairs --stats-period 0 --json "$@"
	testpmd "echo$n" "$(on2 1)" "${ports_echo[@]}" -- --forward-mode=rxonly --total-num-mbufs=8192
	testpmd "gen$n" "$(on2 0)" "${ports_gen[@]}" -- --forward-mode=rxonly --total-num-mbufs=8192
	up "fwd$n"
	testpmd_cmd "echo$n" start >/dev/null
	burst "$n"
	testpmd_cmd "echo$n" stop >/dev/null
}

# rest: for a second no forwarding thread is woken
rest()
{
	local n before=() after=()
	for n in "${!title[@]}"; do
		before+=("$(switches "fwd$n" "${task[n]}")")
	done
	sleep 1
	for n in "${!title[@]}"; do
		after+=("$(switches "fwd$n" "${task[n]}")")
	done
	[ "${before[*]}" = "${after[*]}" ]
}

# Idle for 10 s.
idle()
{
	local n task=() cpu=() sleeps=() armed=()
	for n in "${!title[@]}"; do
		task[n]=$(thread_of "fwd$n" "${thread[n]}")
		wait_for 20 "[ \$(xstat_sum fwd$n '^[rt]x_buffers_(held|out)\$') = 0 ]" ||
			fail "${title[n]}: buffers are still out"
	done
	# All buffers are back. The last timed sleep is over when none ends for a second.
	wait_for 10 rest || fail "the forwarders do not become idle"
	for n in "${!title[@]}"; do
		armed[n]=$(wakeups "fwd$n")
		sleeps[n]=$(switches "fwd$n" "${task[n]}")
		cpu[n]=$(cpu_us "fwd$n")
	done
	sleep 10
	for n in "${!title[@]}"; do
		cpu[n]=$(($(cpu_us "fwd$n") - cpu[n]))
		sleeps[n]=$(($(switches "fwd$n" "${task[n]}") - sleeps[n]))
		armed[n]=$(($(wakeups "fwd$n") - armed[n]))
		echo "${title[n]}: in 10 s ${cpu[n]} us of processor time, woken ${sleeps[n]} times, armed ${armed[n]} times"
		expect_eq "${sleeps[n]}" 0 "${title[n]}: wake-ups of the forwarding thread in 10 idle seconds"
		expect_eq "${armed[n]}" 0 "${title[n]}: times it armed its queues again in 10 idle seconds"
		[ "${cpu[n]}" -lt 100000 ] || fail "${title[n]}: ${cpu[n]} us in 10 s is 1 % of a core or more"
	done
}

# end WAY
end()
{
	testpmd_cmd "echo$1" start >/dev/null
	burst "$1"
	stop "gen$1"
	stop "echo$1"
	stop "fwd$1"
	expect_eq "$(result "fwd$1" '"\(.lost) \(.tx_dropped)"')" "0 0" "${title[$1]}: lost, dropped"
}

title=() links=() thread=()
begin 1 "adaptive, a lcore of its own" 1 "$(on2 1)" rte-worker-1 --idle adaptive
begin 2 "adaptive, one lcore for all" 1 "$(on 1)" fido-fwd --idle adaptive
begin 3 "interrupt, three links on one lcore" 3 "$(on 1)" fido-fwd --idle interrupt
idle
for way in 1 2 3; do
	end $way
done
