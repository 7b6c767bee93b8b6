#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Proves: reads return what was written to a volume, and lent memory does not change, with many
# queues, all sizes, memory in an arena or not, in one piece or many, polling and
# sleeping; nothing is copied needlessly; a second process finds the same data; and fido-blk-perf,
# which reports all this, detects a wrong byte and exits accordingly.
#
#	perf ==[ 1 to 4 queues ]==> disk: v on mem:, file:, file: with direct=on
#
# No hugepages, no privileges.
set -eu
# shellcheck source=test/system/blk.bash
. "$(dirname "$0")/blk.bash"

state=$PWD/state
image=$PWD/image

# whole STORE_NAME ARG...: a clean run that starts without a state, then a second process that finds
# the same by other means
whole()
{
	local what=$1
	shift
	rm -f "$state"
	perf_done perf --state "$state" "$@"
	expect_perf perf '.resent == 0 and .verify.blocks >= 256'
	perf_done reader --verify-only --state "$state" --read-only --copy --queues 3 --bs "${block:-4k}-32k" --verify-block "${block:-4k}" \
		--range "${range:-+}"
	expect_perf reader '.copied_reads == .read.requests and .lent == 0 and .write.requests == 0'
	echo "ok: $what: $*"
}

matrix()
{
	range=+16m whole "$1" --count 4000 --range +16m
	expect_perf perf '.lent == .read.requests and .copied_reads == 0 and .copied_writes == 0'
	expect_perf perf '.verify.lent_again > 500 and .verify.overwritten > 100 and .flush.requests > 10'
	whole "$1" --count 8000 --queues 4 --bs 4k-64k --idle sleep --zeroes-percent 5 --discard-percent 5
	expect_perf perf '.copied_writes == 0 and .zeroes.requests > 0 and .discard.requests > 0'
	whole "$1" --count 4000 --queues 2 --memory malloc --segments 7 --bs 4k-32k --copy
	expect_perf perf '.copied_writes == .write.requests and .lent == 0'
	whole "$1" --count 4000 --bs 128k --memory both --segments 3 --depth 16
	range=+1m whole "$1" --count 300 --depth 1 --idle sleep --read-percent 0 --fua --range +1m
	range=1m+6m whole "$1" --count 6000 --depth 300 --bs 4k-8k --range 1m+6m
}

test_stores()
{
	disk mem:64M --threads 2
	matrix mem
	block=512 range=+8m whole mem --count 4000 --range +8m --verify-block 512 --bs 512-8k --segments 2
	links_are_clean
	stop disk
	disk "file:$image,create=64M" --threads 2
	matrix file
	block=512 range=+8m whole file --count 4000 --range +8m --verify-block 512 --bs 512-8k --segments 2
	links_are_clean
	stop disk
	disk "file:$image,direct=on"
	matrix "file, direct"
	links_are_clean
	stop disk
}

# Two clients at a time, each in its half.
test_two_clients()
{
	disk "file:$image" --threads 2
	rm -f "$state" "$state.2"
	perf left --time 1 --range +32m --state "$state" --queues 2 --bs 4k-64k
	perf right --time 1 --range 32m+ --state "$state.2" --idle sleep --bs 4k-64k --memory malloc
	finish left 60
	finish right 60
	expect_perf left '.verify.wrong == 0 and .unanswered == 0'
	expect_perf right '.verify.wrong == 0 and .unanswered == 0'
	stop disk
	echo "ok: two clients"
}

# A checker must be able to fail.
test_wrong_byte_is_found()
{
	rm -f "$state"
	disk "file:$image"
	perf_done perf --count 1000 --bs 4k-64k --state "$state"
	echo "+ one byte of the image is changed"
	alter "$image" $((4096 * 1234 + 777))
	perf_says 1 "block at $((4096 * 1234)): found a torn block" --group "$fido_group" --backend disk --volume v --no-hugepages \
		--verify-only --state "$state"
	grep -q 'its body is not what the header says in 1 of 504 words, from byte 776 to byte 783' "$lib_dir/said" ||
		fail "it does not say where: $(cat "$lib_dir/said")"
	echo "+ an old block is put back"
	rm -f "$state"
	perf_done perf --count 1 --read-percent 0 --range +1m --state "$state"
	dd if="$image" of=old bs=4096 skip=77 count=1 status=none
	perf_done perf --count 3000 --read-percent 0 --range +1m --state "$state"
	dd if=old of="$image" bs=4096 seek=77 count=1 conv=notrunc status=none
	perf_says 1 "block at $((4096 * 77)): found a whole block, version " --group "$fido_group" --backend disk --volume v \
		--no-hugepages --verify-only --range +1m --state "$state"
	grep -Eq '(acknowledged|flushed) write is lost' "$lib_dir/said" || fail "it does not say what: $(cat "$lib_dir/said")"
	stop disk
	echo "ok: wrong bytes are found"
}

test_messages()
{
	local v=(--group "$fido_group" --backend disk --volume v --no-hugepages)
	perf_says 2 "give --group" --backend disk --volume v
	perf_says 2 "--depth '0': give a number from 1 to 1024" "${v[@]}" --depth 0
	perf_says 1 "is fido-blkd running in group $fido_group with --domain disk?" "${v[@]}" --connect-timeout 0.3
	disk mem:8M
	perf_says 1 "cannot open volume w of disk" --group "$fido_group" --backend disk --volume w
	perf_says 1 "--range goes beyond that" "${v[@]}" --range +9m
	perf_says 1 "too little for --bs" "${v[@]}" --queues 32 --bs 512k
	rm -f "$state"
	perf_done perf --count 100 --state "$state"
	perf_says 1 "made for another --range" "${v[@]}" --state "$state" --range 4m+4m --verify-block 2k
	stop disk
	disk mem:8M
	perf_says 1 "they have been lost or replaced" "${v[@]}" --state "$state"
	stop disk
	disk "file:$image"
	perf perf --read-percent 0 --time 0 --exclusive
	moves perf
	perf_says 1 "end the other client, or leave --exclusive out" "${v[@]}"
	stop perf
	expect_perf perf '.unanswered == 0 and .errors == 0 and .write.requests > 100'
	stop disk
	echo "ok: messages"
}

test_stores
test_two_clients
test_wrong_byte_is_found
test_messages
nothing_runs
