#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Proves: when the backend is killed under load and restarted, users of the file and of the loop
# device see only a pause: no error, no wrong byte. Meanwhile fido-blk-mount does not spin, and can
# be stopped. If another volume comes back, requests fail and say why.
#
#	cp, fio -- [loop device --] FUSE: fido-blk-mount ==> fido-blkd: a file    killed, again and again
set -eu
# shellcheck source=test/system/blk-mount.bash
. "$(dirname "$0")/blk-mount.bash"

# verify NAME FILE: start fio, slowly enough to be interrupted
verify()
{
	start "$1" fio --name=job --ioengine=libaio --direct=1 "--filename=$2" --numjobs=4 --size=16M --offset_increment=16M \
		--rw=randrw --bsrange=4k-64k --verify=crc32c --verify_fatal=1 --verify_state_save=0 --verify_backlog=256 \
		--iodepth=16 --fsync=32 --rate=6M --group_reporting
	kill_under "$1" 1
	expect_verified "$1"
	grep -E '^ +(read|write):' "$(log_of "$1")" || true # for people
}

truncate -s 256M "$work/disk.img"
random_file "$work/random" 200M
start_disk
mount_volume mount disk --queues 2
file=$(mounted mount)

echo "--- copies"
# dd waits for each of its small reads: a copy takes about a second.
start copy dd "if=$work/random" "of=$file" bs=16k conv=notrunc,fsync status=none
kill_under copy 1
start copy dd "if=$file" "of=$work/copy" bs=16k count=12800 iflag=direct status=none
kill_under copy 1
expect_same "$work/random" "$work/copy" 200M
expect_same "$work/random" "$file" 200M

echo "--- verification, file"
verify fio "$file"

echo "--- idle while it dies, many times"
for _ in 1 2 3; do
	kill_hard disk
	start_disk
done
echo_run dd "if=$file" of=/dev/null bs=64k count=1 iflag=direct status=none
stop_sound mount
expect_ge "$(counter mount resent)" 1 "requests that were sent again"
expect_ge "$(counter mount sessions)" 6 "times that a queue found the backend"
nothing_is_left

echo "--- verification, loop device"
attach mount disk
verify fio "$disk_device"
detach mount

echo "--- away"
mount_volume mount disk
file=$(mounted mount)
kill_hard disk
start copy dd "if=$file" "of=$work/copy" bs=1M iflag=direct status=none
sleep 1.5
before=$(ticks mount)
sleep 2
expect_ge 3 $(($(ticks mount) - before)) "hundredths of a second that a waiting fido-blk-mount ran for"
is_running copy || fail "dd did not wait"

echo "--- away, and a client is killed"
start client dd "if=$file" of=/dev/null bs=4k count=1 skip=9 iflag=direct status=none
sleep 0.5
kill -KILL "${lib_pid[client]}"
wait_for 10 "! is_running client" || fail "a process that waits for a backend cannot be killed"
lib_reap client
start_disk
finish copy 30
expect_same "$work/disk.img" "$work/copy"

echo "--- away, and it is stopped"
kill_hard disk
start client dd "if=$file" of=/dev/null bs=4k count=1 iflag=direct status=none
sleep 0.5
kill -TERM "${lib_pid[mount]}"
wait_for 10 "grep -q 'in use by process ${lib_pid[client]} (dd)' '$(log_of mount)'" || fail "it does not say who uses it"
is_running mount || fail "it did not wait for the client"
kill -TERM "${lib_pid[mount]}"
wait_for 10 "! mountpoint -q '$lib_dir/mount.mnt'" || fail "not unmounted at the second signal"
start_disk
finish client 30
finish mount 30

echo "--- another volume"
mount_volume mount disk
file=$(mounted mount)
kill_hard disk
mv "$work/disk.img" "$work/old.img"
truncate -s 256M "$work/disk.img"
start_disk
! dd "if=$file" of=/dev/null bs=4k count=1 iflag=direct 2>"$work/out" || fail "another volume was read"
grep -q 'Input/output error' "$work/out" || fail "not EIO: $(cat "$work/out")"
grep -q 'unmount it and mount it again' "$(log_of mount)" || fail "nothing in the log about another volume"
stop mount 1
nothing_is_left
stop disk
