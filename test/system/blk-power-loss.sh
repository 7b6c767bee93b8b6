#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Proves: when a flush completes, all writes acknowledged before on any queue survive a loss of
# power, and so does each write with FUA. Unflushed data may be lost; the test checks that it would
# notice.
#
#	perf ==[ 4 queues ]==> disk: v on nbd: --> nbdkit: a write-back cache --> image
#
# Killing nbdkit loses its cache, as a disk without power does.
set -eu
# shellcheck source=test/system/blk.bash
. "$(dirname "$0")/blk.bash"
command -v nbdkit >/dev/null || skip "nbdkit is not installed (apt-get install nbdkit)"

state=$PWD/state
image=$PWD/image
socket=$PWD/nbd

serve()
{
	rm -f "$socket"
	start nbd nbdkit -f -U "$socket" --filter=cache file "$image" cache=writeback cache-min-block-size=4k
	wait_for 20 "! is_running nbd || [ -S '$socket' ]" || fail "nbdkit does not listen"
	is_running nbd || skip "nbdkit does not start: $(cat "$(log_of nbd)")"
}

# Print how many flushes the backend has answered.
flushes()
{
	"$ctl" blk --group "$fido_group" --json | jq '.volumes[0].total.flushes'
}

# A slow machine gets time for the first flush; a fast one is not always stopped at the same place.
some_are_flushed()
{
	local before=$1
	wait_for 20 "! is_running perf || [ \$(flushes) -gt $before ]" || fail "no flush completes within 20 s"
	sleep "0.$((RANDOM % 6 + 2))"
}

lose_power()
{
	echo "+ power is lost"
	kill_hard nbd
	serve
}

# The backend reconnects by itself, but may first report that the server was gone.
check()
{
	local try
	for try in {1..40}; do
		"$blk_perf" --group "$fido_group" --domain check --backend disk --volume v --no-hugepages --verify-only --state "$state" \
			--continue-on-error "$@" >"$lib_dir/checked" 2>"$lib_dir/said" || true
		[ "$(jq .errors "$lib_dir/checked")" != 0 ] || break
		sleep 0.5
	done
	expect_eq "$(jq .errors "$lib_dir/checked")" 0 "errors in try $try: $(head -n 3 "$lib_dir/said")"
	jq .verify.wrong "$lib_dir/checked"
}

truncate -s 8M "$image"
serve
disk "nbd:nbd+unix:///?socket=$socket" --threads 2
for i in 1 2 3; do
	echo "--- $i: some is flushed"
	flushed=$(flushes)
	perf perf --state "$state" --time 0 --queues 4 --bs 4k-32k --flush-every 40
	moves perf
	some_are_flushed "$flushed"
	stop perf
	expect_perf perf '.verify.wrong == 0 and .flush.requests > 0'
	lose_power
	expect_eq "$(check --after-power-loss)" 0 "blocks that were flushed and are wrong: $(head -n 3 "$lib_dir/said")"
done

echo "--- nothing is flushed: that must show"
perf perf --state "$state" --count 3000 --queues 4 --flush-every 0
finish perf 60
lose_power
expect_ge "$(check)" 1 "blocks that were lost"
expect_eq "$(check --after-power-loss)" 0 "blocks that were written with FUA and are wrong: $(head -n 3 "$lib_dir/said")"

echo "--- each write has FUA: nothing is lost"
perf_done perf --state "$state" --count 1000 --queues 4 --flush-every 0 --read-percent 0 --fua
lose_power
expect_eq "$(check --range +)" 0 "blocks that were written with FUA and are wrong: $(head -n 3 "$lib_dir/said")"
stop disk
stop nbd
nothing_runs
