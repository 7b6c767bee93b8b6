#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# The backend of a volume, or its front-end, or both, are killed under load and restarted, at
# random. No acknowledged write is lost, none is torn, and all that is read or lent is right, by the
# state file, which records the allowed contents of each block. Afterwards no buffer is missing, and
# nothing is left of killed processes.
#
#	perf ==[ 1 to 4 queues ]==> disk: v on file:
#
# The volume is opened exclusively: the next front-end gets it when the last write of a killed one
# is done.
#
# KILLS, SEED, STORE_OPTIONS (",direct=on"): for the long run, and to repeat a run.
set -eu -o pipefail
# shellcheck source=test/system/blk.bash
. "$(dirname "$0")/../system/blk.bash"
kills=${KILLS:-20}
seed=${SEED:-$RANDOM}
RANDOM=$seed
image=$PWD/image
state=$PWD/state
idles=(poll sleep)
memories=(arena malloc both)
reads=('' '' --copy)
sizes=(4k 4k-64k 16k-128k)

# one_of WORD...: put one of them in $picked. (A subshell of bash has other random numbers.)
one_of()
{
	local words=("$@")
	picked=${words[RANDOM % ${#words[@]}]}
}

# some_ms FROM TO: sleep
some_ms()
{
	sleep "$(awk "BEGIN { print ($1 + $RANDOM % ($2 - $1)) / 1000 }")"
}

start_disk()
{
	disk "file:$image${STORE_OPTIONS:-}" --threads "$((1 + RANDOM % 2))"
}

start_perf()
{
	local options=()
	one_of "${sizes[@]}"
	options+=(--bs "$picked")
	one_of "${idles[@]}"
	options+=(--idle "$picked")
	one_of "${memories[@]}"
	options+=(--memory "$picked")
	one_of "${reads[@]}"
	options+=(${picked:+"$picked"} --queues $((1 + RANDOM % 4)) --depth $((1 + RANDOM % 64)) --segments $((1 + RANDOM % 5)))
	perf perf --exclusive --state "$state" --time 0 --seed $RANDOM --zeroes-percent 3 --flush-every $((1 + RANDOM % 200)) \
		--connect-timeout 20 --stop-timeout 20 --continue-on-error "${options[@]}"
}

# Check perf before killing it: it reports errors at once.
perf_is_well()
{
	is_running perf || fail "perf exited by itself: $(tail -n 20 "$(log_of perf)")"
	! grep -a 'fido-blk-perf: ' "$(log_of perf)" || fail "perf: $(head -n 20 "$(log_of perf)")"
}

kill_disk()
{
	perf_is_well
	kill_hard disk
	some_ms 0 200
	start_disk
}

kill_perf()
{
	perf_is_well
	kill_hard perf
	some_ms 0 100
	start_perf
}

kill_both()
{
	perf_is_well
	kill_hard disk
	some_ms 0 20
	kill_hard perf
	start_disk
	start_perf
}

echo "--- $kills kills, SEED=$seed"
truncate -s 64M "$image"
start_disk
start_perf
for ((i = 1; i <= kills; i++)); do
	moves perf
	some_ms 0 600
	echo "--- kill $i of $kills"
	case $((RANDOM % 10)) in
	[0-4]) kill_disk ;;
	[5-8]) kill_perf ;;
	9) kill_both ;;
	esac
done

echo "--- the end"
moves perf
kill_disk
moves perf
stop perf
expect_perf perf '.failures == 0 and .errors == 0 and .unanswered == 0 and .verify.wrong == 0'
expect_perf perf '.sessions > .queues'
perf_done reader --verify-only --state "$state"
expect_perf reader '.verify.blocks == 16384'
links_are_clean
stop disk
expect_eq "$(stat -c %s "$image")" $((64 << 20)) "size of the image"
nothing_runs
