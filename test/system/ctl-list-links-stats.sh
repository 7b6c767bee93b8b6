#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Proves: fido-ctl shows of a group what the group's domains did, by their own counts; it asks each
# domain only once; a domain that is stopped, dead or writes garbage neither hangs nor crashes it;
# and it reports what it cannot do, with an exit status.
#
#	two-domains:  left ==[ link 0, 2 queues ]==> right
#	                  \                         /
#	                   '...... fido-ctl ......'        reads both control blocks
#
# No hugepages, no privileges, no DPDK.
# shellcheck disable=SC2016 # variables in single quotes are jq's
set -eu

# shellcheck source=test/lib.sh
. "${FIDO_TOP:-$(cd "$(dirname "$0")/../.." && pwd)}/test/lib.sh"

ctl=$FIDO_BUILD/apps/fido-ctl/fido-ctl
domains=$FIDO_BUILD/test/system/helpers/two-domains
group=$fido_group
[ -x "$domains" ] || fail "there is no $domains: build first (meson setup build && ninja -C build)"
[ -x "$ctl" ] || skip "fido-ctl was not built: it needs libcjson (apt-get install libcjson-dev)"
command -v jq >/dev/null || skip "jq is not installed: it checks the JSON (apt-get install jq)"

# A private folder of groups; its name must be short.
FIDO_RUNDIR=$(mktemp -d /tmp/fido-ctl.XXXXXX)
export FIDO_RUNDIR
work=$(mktemp -d)

# What the domains leave is removed after they exit; their parent kills a stopped one.
end_domains()
{
	is_running domains || return 0
	kill -INT "${lib_pid[domains]}"
	wait_for 8 "! is_running domains" || kill -KILL "${lib_pid[domains]}"
}
before_exit end_domains
at_exit 'rm -rf "$work" "$FIDO_RUNDIR"'

# ctl STATUS ARGUMENT...: must exit with STATUS, within 10 s even on a busy machine, without control
# characters; output in $work/out and $work/err
ctl()
{
	local want=$1 status=0 began=$EPOCHREALTIME
	shift
	printf '+ fido-ctl'
	printf ' %q' "$@"
	echo
	timeout -k 1 30 "$ctl" "$@" >"$work/out" 2>"$work/err" </dev/null || status=$?
	[ "$status" = "$want" ] || fail "exit status $status, not $want: $(tail -n 3 "$work/err")"
	if [ -z "${takes_long:-}" ]; then
		awk "BEGIN { exit !($EPOCHREALTIME - $began < 10) }" || fail "it took 10 s or more"
	fi
	[ -z "$(LC_ALL=C tr -d '[:print:]\n\t' <"$work/out")" ] || fail "control characters in its output"
	[ -z "$(LC_ALL=C tr -d '[:print:]\n' <"$work/err")" ] || fail "control characters in its messages"
}

# json COMMAND ARGUMENT...: its JSON output, in $work/out
json()
{
	ctl 0 "$@" --group "$group" --json
	jq -e . "$work/out" >/dev/null || fail "not JSON: $(head -c 200 "$work/out")"
}

# holds WHAT FILTER: the filter is true of the JSON in $work/out; $said is the domains' report
holds()
{
	jq -e --argjson said "$said" "$2" "$work/out" >"$work/jq" 2>&1 || {
		cat "$work/out"
		fail "$1: not so: $2; the domains say: $said"
	}
	echo "ok: $1"
}

# says STRING: the failed command's message contains it
says()
{
	grep -qF -- "$1" "$work/err" || fail "no message with '$1', but: $(cat "$work/err")"
}

start_domains()
{
	rm -f "$work/in"
	mkfifo "$work/in"
	# Held open for reading too: opening it must not wait for the other side.
	exec 9<>"$work/in"
	lib_stdin=$work/in start domains "$domains" "$group"
	answers=0
	answer
	left_pid=$(jq .left.pid <<<"$said")
	right_pid=$(jq .right.pid <<<"$said")
}

# Read the next line of JSON from the domains into $said.
answer()
{
	answers=$((answers + 1))
	wait_for 20 "! is_running domains || [ \$(wc -l <'$(log_of domains)') -ge $answers ]" ||
		fail "the domains do not answer"
	said=$(sed -n "${answers}p" "$(log_of domains)")
	jq -e .left.pid <<<"$said" >/dev/null || fail "the domains say: $said"
}

tell()
{
	echo "+ domains: $*"
	echo "$*" >&9
	answer
}

test_wrong_usage()
{
	local name
	ctl 2
	says "give one of list, links, stats, top, blk"
	ctl 2 lists --group "$group"
	says "unknown command 'lists'"
	ctl 2 list
	says "give --group NAME"
	ctl 2 list --group
	says "needs a value"
	ctl 2 list --group "$group" --colour
	says "'--colour'"
	ctl 2 list links --group "$group"
	says "give one command"
	ctl 2 list --group "$group" --interval 1
	says "are for stats, top, blk and record"
	ctl 2 stats --group "$group" --interval soon
	says "give a number of seconds"
	ctl 2 top --group "$group" --count 0
	says "give a number of rounds"
	for name in '' . .. ../x a/b 'a b' $'\033[2Jx' 0123456789012345678901234567890123456789 \
		host: :demo a:b:c '*'; do
		ctl 2 list --group "$name"
		says "a name is 1 to 31 of"
	done
	ctl 2 list --group "$group" --domain ../x
	ctl 1 list --group nosuchtransport:demo
	says "no such transport"
	ctl 0 --help
	grep -q '^usage: fido-ctl' "$work/out" || fail "no usage"
	ctl 0 --version
	grep -q '^fido-ctl [0-9]' "$work/out" || fail "no version"
	echo "ok: wrong usage is refused"
}

test_no_group()
{
	for command in list links stats top blk record; do
		ctl 1 $command --group "$group"
		says "there is no such group"
	done
	echo "ok: $1: no such group"
}

test_list()
{
	json list
	holds "who is there" '[.domains[] | {name, slot, pid, generation, state}] == ([$said | to_entries[] |
		{name: .key} + (.value | {slot, pid, generation}) + {state: "alive"}] | sort_by(.slot))'
	holds "memory" '(.domains | INDEX(.name)) as $d | $d.left.arena_bytes == 4194304 and
		$d.right.arena_bytes == 0 and
		$d.left.exported_bytes == $d.left.control_bytes + $d.left.arena_bytes and
		$d.right.exported_bytes == $d.right.control_bytes and
		$d.left.mapped_bytes == $d.right.exported_bytes and
		$d.right.mapped_bytes == $d.left.exported_bytes and
		([$d[] | .mapped_domains, .links] | all(. == 1))'
	holds "who maps whom" '.domains as [$a, $b] |
		($a.mapped | map([.slot, .generation, .epoch])) == [[$b.slot, $b.generation, $b.epoch]] and
		($b.mapped | map([.slot, .generation, .epoch])) == [[$a.slot, $a.generation, $a.epoch]]'
	holds "regions" '.domains | all((.regions | map(.exported_bytes) | add) == .exported_bytes)'
	holds "layout" '.layout == {version: 2, base: "0x110000000000", slot_shift: 40, slots: 64} and
		(.layout as $l | .domains | all(.layout == $l and .uptime_s > 0 and .uptime_s < 120))'
	ctl 0 list --group "host:$group"
	grep -Eq '^left +alive +[0-9]+ +'"$left_pid"' .* 4\.0 MiB +8\.0 MiB of 1 ' "$work/out" ||
		fail "text: $(cat "$work/out")"
	tail -n 1 "$work/out" | matches -x 'layout 2: 64 slots of 1.0 TiB from 0x110000000000' ||
		fail "no layout in the last line"
	echo "ok: list as text"
}

# fido-ctl and the domains agree on every queue.
test_totals()
{
	json stats
	holds "$1: sender" '[.queues[] | select(.domain == "left" and .direction == "tx") |
		{packets: .total.packets, buffers: .total.posted, returned: .total.reaped,
		full: .total.ring_full, armed: 0}] ==
		$said.left.queues'
	holds "$1: receiver" '[.queues[] | select(.domain == "right" and .direction == "rx") |
		{packets: .total.packets, buffers: .total.polled, returned: .total.completed,
		full: 0, armed: .total.wakeups}] ==
		$said.right.queues'
	holds "$1: bytes" '([.queues[] | select(.domain == "left") | .total.bytes] | add) == $said.left.bytes and
		([.queues[] | select(.domain == "right") | .total.bytes] | add) == $said.right.bytes'
	holds "$1: by pointer" '.queues | all(.total.zero_copy == .total.packets and .total.copied == 0)'
	holds "$1: nothing the other way" '[.queues[] | select((.domain == "right") == (.direction == "tx"))] |
		length == 4 and all(.total.packets == 0)'
	holds "$1: out and held" '.interval_s == null and (.queues | all(.per_second.packets == null and
		(if .direction == "tx" then .buffers_out == .total.posted - .total.reaped and .buffers_held == null
		else .buffers_held == .total.polled - .total.completed and .buffers_out == null end)))'
	json links
	holds "$1: links" '[.links[] | [.domain, .peer, .name, .peer_generation, .tx_queues, .rx_queues, .rx_rings,
		.tx_ring_size, .rx_ring_size, .stranded]] ==
		[["left", "right", "0", $said.right.generation, 2, 2, 2, 256, 256, 0],
		["right", "left", "0", $said.left.generation, 2, 2, 2, 256, 256, 0]]'
	holds "$1: buffers of links" '[.links[] | .buffers_out, .buffers_held] ==
		[($said.left.queues | map(.buffers - .returned) | add), 0, 0,
		($said.right.queues | map(.buffers - .returned) | add)]'
	holds "$1: incarnations" '.links[0].incarnation == .links[1].peer_incarnation and
		.links[1].incarnation == .links[0].peer_incarnation'
}

test_states()
{
	json links
	holds "both ends connected" '.links | map(.state) == ["connected", "connected"]'
	tell quiesce
	json links
	holds "one end quiesced" '.links | map([.state, .quiesced]) == [["connected", false], ["quiesced", true]]'
	tell resume
	ctl 0 links --group "$group" --domain left
	grep -Eq '^left +right +0 +connected +2/2 +256/256 +0 +0 +0 ' "$work/out" || fail "$(cat "$work/out")"
	grep -Eq '^right +left +0 +connected ' "$work/out" || fail "--domain left: not both ends"
	echo "ok: links as text"
}

# rates_between: run stats between two reports of the domains, $took s apart; $rate is the domains'
# rate
rates_between()
{
	local before began
	tell report
	before=$said began=$EPOCHREALTIME
	json stats --interval 1.5
	tell report
	took=$(awk "BEGIN { print $EPOCHREALTIME - $began }")
	holds "totals lie between two reports" '([.queues[] | select(.domain == "left") | .total.packets] | add) as $n |
		$n >= '"$(jq .left.packets <<<"$before")"' and $n <= $said.left.packets'
	rate=$(jq "(.left.packets - $(jq .left.packets <<<"$before")) / $took" <<<"$said")
}

test_rates()
{
	local took rate try
	tell pace 5000 700
	# On a busy machine the domains pause now and then, and catch up: try several times.
	for try in 1 2 3 4 5; do
		rates_between
		[ "$(jq "$rate > 3500 and $rate < 6500 and .interval_s > 0.9 * $took" "$work/out")" = true ] || continue
		holds "the rate of the reports, $rate, at try $try" '.interval_s >= 1.5 and .interval_s <= '"$took"' and
			([.queues[] | select(.domain == "left" and .direction == "tx") | .per_second.packets] | add |
				. > 0.7 * '"$rate"' and . < 1.3 * '"$rate"') and
			([.queues[] | select(.direction == "tx") | .per_second.bytes - 700 * .per_second.packets] |
				all(. > -1 and . < 1))'
		break
	done
	[ "$(jq "$rate > 3500 and $rate < 6500" "$work/out")" = true ] || fail "5000 a second are not sent: $rate"
	ctl 0 stats --group "$group" --rates
	grep -Eq '^right +left +0 +rx0 +[0-9.]*[1-9][0-9.]* [kM]?pps +[0-9.]*[1-9][0-9.]* [kM]bit/s ' "$work/out" || fail "$(cat "$work/out")"
	json stats --domain right
	holds "only one domain" '[.queues[].domain] | unique == ["right"]'
	echo "ok: rates as text"
}

# The record holds what stats prints, a line for each queue and round.
test_record()
{
	local column
	ctl 2 record --group "$group" --json
	ctl 0 record --group "$group" --count 3 --interval 0.2
	expect_eq "$(wc -l <"$work/out")" 25 "lines: the head, and 3 rounds of 8 queues"
	expect_eq "$(awk -F, '{ print NF }' "$work/out" | sort -u | wc -l)" 1 "lines of different lengths"
	expect_eq "$(head -n 1 "$work/out" | cut -d, -f1-6)" time,domain,peer,link,direction,queue "head"
	column=$(head -n 1 "$work/out" | tr , '\n' | grep -nx packets | cut -d: -f1)
	tail -n +2 "$work/out" | awk -F, -v "c=$column" '$2 == "left" && $5 == "tx" && $6 == 0 { if ($c < last || $1 <= t) exit 1
		last = $c; t = $1; n++ } END { exit n != 3 || last == 0 }' || fail "left's queue 0 goes back: $(cat "$work/out")"
	echo "ok: record"
}

test_top()
{
	local lines heartbeat
	ctl 0 top --group "$group" --count 3 --interval 0.5
	# A round that comes late makes the next one shorter: their sum is that of the intervals.
	lines=$(sed -nE "s/^group $group: 2 domains, 8 queues, over ([0-9.]+) s\$/\1/p" "$work/out" |
		awk '{ sum += $1 } END { print NR, (sum >= 1.4 ? "long" : "short") }')
	expect_eq "$lines" "3 long" "rounds, and all of them together"
	expect_eq "$(grep -cE ' [0-9.]*[1-9][0-9.]* [kM]?pps .* [kM]bit/s ' "$work/out")" 12 "busy queues in three rounds"
	json top --count 2 --interval 0.2
	expect_eq "$(wc -l <"$work/out")" 2 "lines of JSON"
	holds "sorted by rate" '[.queues[].per_second.packets] | . == (sort | reverse) and length == 8'

	json list
	heartbeat=$(jq '[.domains[].heartbeat] | add' "$work/out")
	ctl 0 top --group "$group" --count 30 --interval 0.03
	json list
	# Asking once costs each domain's control thread a few turns; the rounds cost none.
	expect_ge 24 $(($(jq '[.domains[].heartbeat] | add' "$work/out") - heartbeat)) \
		"turns of the control threads for 30 rounds"
	echo "ok: 30 rounds do not wake the domains"
}

# On a terminal: an alternate screen, restored at the end; q quits.
test_screen()
{
	command -v script >/dev/null || {
		echo "not tested: top on a terminal (script is not installed: apt-get install bsdutils)"
		return 0
	}
	echo "+ script -c 'fido-ctl top --group $group', then the key q"
	mkfifo "$work/keys"
	exec 8<>"$work/keys"
	timeout -k 1 60 script -qefc "$ctl top --group $group --interval 0.2" /dev/null \
		<"$work/keys" >"$work/out" 8>&- 9>&- &
	wait_for 10 "grep -aq 'pps ' '$work/out'" || fail "no rates on the screen"
	printf q >&8
	wait $! || fail "top on a terminal did not quit at q"
	exec 8>&-
	head -c 8 "$work/out" | matches -F $'\033[?1049h' || fail "no screen of its own"
	tail -c 8 "$work/out" | matches -F $'\033[?1049l' || fail "the screen was not given back"
	grep -aqE ' [0-9.]*[1-9][0-9.]* [kM]?pps ' "$work/out" || fail "no rates on the screen"
	echo "ok: top on a terminal"
}

test_no_permission()
{
	if [ "$(id -u)" != 0 ] || ! setpriv --reuid=65534 --clear-groups -- "$ctl" --version >/dev/null 2>&1; then
		echo "not tested: another user (needs root, and a build folder that others can read)"
		return 0
	fi
	local status=0
	chmod 711 "$FIDO_RUNDIR"
	echo "+ setpriv --reuid=65534 fido-ctl list --group $group"
	setpriv --reuid=65534 --clear-groups -- "$ctl" list --group "$group" >"$work/out" 2>"$work/err" || status=$?
	expect_eq "$status" 1 "exit status of a user without permission"
	says "run it as the user that runs the domains"
	echo "ok: no permission"
}

test_stopped()
{
	tell pace 0 0
	echo "+ kill -STOP right"
	kill -STOP "$right_pid"
	json list
	holds "a stopped domain does not answer" '.domains | map([.name, .state, .pid]) ==
		[["left", "alive", $said.left.pid], ["right", "not_answering", null]]'
	holds "for how long it has not moved" '.domains[1].still_s > 0 and (.domains[0] | has("still_s") | not)'
	ctl 0 list --group "$group"
	grep -Eq '^right +not answering +- ' "$work/out" || fail "$(cat "$work/out")"
	grep -Eq '^right has not moved for [0-9]+ ' "$work/out" || fail "$(cat "$work/out")"
	for command in links stats 'top --count 2 --interval 0.1'; do
		# shellcheck disable=SC2086 # the options are separate words
		ctl 0 $command --group "$group"
		grep -qx 'right: not answering' "$work/out" || fail "$command: $(cat "$work/out")"
	done
	kill -CONT "$right_pid"
	tell report
	json list
	holds "it goes on" '.domains | all(.state == "alive")'
}

test_garbage()
{
	for _ in 1 2 3 4; do
		tell scribble
		for command in list links stats 'stats --interval 0.05' 'top --count 2 --interval 0.05'; do
			# shellcheck disable=SC2086 # the options are separate words
			ctl 0 $command --group "$group"
			# shellcheck disable=SC2086
			json $command
		done
	done
	json links
	holds "garbage is shown, and what is true beside it" '[.links[] | select(.domain == "left")] |
		length == 1 and .[0].tx_queues == 2'
}

# PID: it has exited, or is a zombie
has_ended()
{
	! kill -0 "$1" 2>/dev/null || grep -q '^State:.Z' "/proc/$1/status"
}

test_dead()
{
	local pid
	echo "+ kill -KILL right, in the middle of a measurement"
	"$ctl" stats --group "$group" --interval 4 >"$work/measured" &
	pid=$!
	# While it measures, it maps the control regions of both.
	wait_for 10 "[ \$(grep -c 'memfd:fido' /proc/$pid/maps) -ge 2 ]" || fail "it does not look at both"
	# Stopped until the other is dead: on a busy machine it would exit first.
	kill -STOP $pid
	kill -KILL "$right_pid"
	wait_for 20 "has_ended $right_pid" || fail "right does not die"
	kill -CONT $pid
	wait $pid || fail "the measurement failed"
	grep -qx 'right: gone' "$work/measured" || fail "$(cat "$work/measured")"
	ctl 1 list --group "$group" --domain right
	says "there is no domain right; there are: left"
	echo "+ kill -KILL left"
	kill -KILL "$left_pid"
	wait_for 20 "has_ended $left_pid" || fail "left does not die"
	ctl 1 list --group "$group"
	says "nobody is in it"
	stop domains
	exec 9>&-
	echo "ok: dead domains"
}

test_wrong_usage
test_no_group "before"
start_domains
test_list
test_totals "at first"
tell hold 5
tell send 1000 700
test_totals "5 messages are held"
tell send 333 64
test_totals "others pass them"
tell arm
tell release
test_totals "all are back"
test_states
test_rates
test_record
test_top
test_screen
test_no_permission
test_stopped
tell send 100 100
test_totals "nothing was disturbed"
test_garbage
test_dead
start_domains
test_list
echo "+ domains: quit"
echo quit >&9
wait_for 5 "! is_running domains" || fail "the domains do not exit"
stop domains
test_no_group "after"
