#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Proves: a volume that a killed client had open exclusively goes to the next one only when the last
# write of the killed one is done: with a store whose writes take up to a second, in any order, no
# old data overwrites newer data.
#
#	perf ==> disk: v on nbd: --> nbdkit, slow
set -eu
# shellcheck source=test/system/blk.bash
. "$(dirname "$0")/blk.bash"
command -v nbdkit >/dev/null || skip "nbdkit is not installed (apt-get install nbdkit)"

state=$PWD/state
image=$PWD/image
socket=$PWD/nbd
options=(--exclusive --state "$state" --range +256k --bs 4k-64k --queues 2 --depth 16 --connect-timeout 20 --stop-timeout 20)

# pwrite's arguments: handle, count, offset, flags
truncate -s 1M "$image"
export image
# shellcheck disable=SC2016 # they are nbdkit's
start nbd nbdkit -f -U "$socket" -t 64 eval thread_model='echo parallel' get_size='stat -c %s "$image"' \
	pread='dd if="$image" bs=64k iflag=skip_bytes,count_bytes skip="$4" count="$3" status=none' \
	pwrite='sleep 0.$(($$ * 7919 % 1000 / 100)); dd of="$image" bs=64k oflag=seek_bytes seek="$4" conv=notrunc status=none' \
	can_write='exit 0' can_flush='exit 0' flush='exit 0' can_multi_conn='exit 0'
wait_for 20 "! is_running nbd || [ -S '$socket' ]" || fail "nbdkit does not listen"
is_running nbd || skip "nbdkit does not start: $(cat "$(log_of nbd)")"
disk "nbd:nbd+unix:///?socket=$socket"
perf_done perf "${options[@]}" --count 1
for i in 1 2 3 4 5 6; do
	echo "--- kill $i"
	perf perf "${options[@]}" --time 0 --read-percent 0
	moves perf
	sleep "0.$((RANDOM % 5))"
	kill_hard perf
done
perf_done perf "${options[@]}" --count 100
expect_perf perf '.verify.blocks >= 64'
perf_done reader --verify-only --state "$state" --range +256k
links_are_clean
stop disk
stop nbd
nothing_runs
