#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Proves: several volumes and clients at once do not disturb each other: in one nbdkit, in several
# of one group, on one volume, in the same blocks of it; a volume that one opens exclusively is
# refused to others.
#
#   fio     --NBD--> nbdkit one, exports a b c ==> fido-blkd, two threads: files a and b, memory c
#   nbdcopy
#   qemu-io --NBD--> nbdkit two, exports c a   ==>
set -eu
# shellcheck source=test/system/blk-nbdkit.bash
. "$(dirname "$0")/blk-nbdkit.bash"

# load NAME SERVER VOLUME OFFSET: run fio on its own part of the volume
load()
{
	start "$1" fio "--name=$1" --ioengine=nbd "--uri=$(nbd_uri "$2" "$3")" --numjobs=2 --size=8M "--offset=$4" \
		--offset_increment=8M --rw=randrw --bsrange=512-96k --blockalign=512 --verify=crc32c --verify_fatal=1 --verify_state_save=0 \
		--verify_backlog=256 --iodepth=8 --fsync=100 --loops=3 --group_reporting
}

truncate -s 96M "$work/a.img" "$work/b.img"
blkd disk --hugepages off --buffers 16 --threads 2 --volume "a=file:$work/a.img" --volume "b=file:$work/b.img" \
	--volume c=mem:96M
serve one a b c domain=first
serve two c a queues=2

load fio1 one a 0
load fio2 one b 0
load fio3 one c 0
load fio4 two c 32M
load fio5 two a 32M
for _ in 1 2 3; do
	echo_run nbdcopy "$(nbd_uri one b)" "$work/copy" &
	copy=$!
	# In the last third of c, which is otherwise unused.
	qemu-io -f raw -c 'write -P 77 64M 16M' -c 'read -P 77 64M 16M' -c 'write -z 80M 3333' -c 'read -P 0 80M 3333' \
		"$(nbd_uri two c)" >"$work/out" 2>&1 || fail "qemu-io: $(cat "$work/out")"
	wait $copy || fail "nbdcopy failed"
done
for fio in fio1 fio2 fio3 fio4 fio5; do
	finish $fio 90
	expect_verified $fio
done

echo "--- what one has written another reads"
qemu-io -f raw -c 'write -P 1 1000 100000' -c flush "$(nbd_uri one a)" >/dev/null
qemu-io -f raw -c 'read -P 1 1000 100000' "$(nbd_uri two a)" >"$work/out" 2>&1 || fail "two: $(cat "$work/out")"

echo "--- one volume, many clients, each with its own bytes of the same blocks"
# 16 clients on two connections each; the range locks of one nbdkit protect what each has written.
for i in {0..15}; do
	commands=()
	for at in {0..63}; do
		commands+=(-c "write -P $((i + 1)) $((at * 160 + i * 10)) 10")
	done
	qemu-io -f raw "${commands[@]}" "$(nbd_uri one b)" >"$work/out$i" 2>&1 &
	lib_pid[writer$i]=$!
	: >"$(log_of "writer$i")"
done
commands=()
for i in {0..15}; do
	finish "writer$i" 30
	for at in {0..63}; do
		commands+=(-c "read -P $((i + 1)) $((at * 160 + i * 10)) 10")
	done
done
qemu-io -f raw "${commands[@]}" "$(nbd_uri one b)" >"$work/out" 2>&1 || fail "$(grep -i verif "$work/out" | head -n 3)"
! grep -qi 'verification failed' "$work/out" || fail "$(grep -i verif "$work/out" | head -n 3)"

echo "--- for itself"
# alone ARG...: nbdkit must not start
alone()
{
	echo "+ nbdkit fido $*"
	! timeout -k 1 20 nbdkit -f -U "$work/alone.sock" "$nbdkit_plugin" "group=$fido_group" hugepages=off "$@" \
		--run true >"$work/out" 2>&1 || fail "two have the volume"
	grep -q "$want" "$work/out" || fail "no message with '$want': $(cat "$work/out")"
	rm -f "$work/alone.sock"
}
want='somebody has it open'
alone a exclusive=true
stop_sound one
stop_sound two
serve mine a exclusive=true
alone a
serve other b
stop_sound other
stop_sound mine
stop disk
