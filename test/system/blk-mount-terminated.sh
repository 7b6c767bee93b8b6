#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Proves: SIGTERM loses nothing that was written: fido-blk-mount serves a file that is in use until
# it is closed, and a file system on its loop device until it is unmounted, says who uses it, and
# exits with 0. At a second signal it unmounts lazily, and still serves who has the file open. An
# unmount by somebody else ends it, too, and so does an abort of its connection.
#
#	dd, ext4 -- [loop device --] FUSE: fido-blk-mount    SIGTERM ==> fido-blkd: a file
set -eu
# shellcheck source=test/system/blk-mount.bash
. "$(dirname "$0")/blk-mount.bash"

terminate()
{
	echo "+ kill -TERM mount"
	kill -TERM "${lib_pid[mount]}"
}

says()
{
	wait_for 10 "grep -q '$1' '$(log_of mount)'" || fail "no message with '$1': $(cat "$(log_of mount)")"
}

random_file "$work/random" 100M
truncate -s 128M "$work/disk.img"
start_disk

for signals in 1 2; do
	echo "--- $signals signal(s) under writes"
	dd if=/dev/zero of="$work/disk.img" bs=1M count=128 conv=notrunc status=none
	mount_volume mount disk --queues 2
	start writer dd if="$work/random" of="$(mounted mount)" bs=4k conv=notrunc status=none
	sleep 0.2
	is_running writer || fail "dd was too fast"
	terminate
	[ $signals = 1 ] || {
		sleep 0.05
		terminate
		wait_for 10 "! mountpoint -q '$lib_dir/mount.mnt'" || fail "not unmounted at the second signal"
	}
	finish writer 60
	finish mount 20
	expect_same "$work/random" "$work/disk.img" 100M
	nothing_is_left
done

echo "--- written and closed: nobody waits"
dd if=/dev/zero of="$work/disk.img" bs=1M count=128 conv=notrunc status=none
mount_volume mount disk
python3 - "$work/random" "$(mounted mount)" <<-'END'
	import mmap, os, sys
	data = open(sys.argv[1], "rb").read()
	m = mmap.mmap(os.open(sys.argv[2], os.O_RDWR), len(data))
	m[:] = data
END
began=$SECONDS
terminate
finish mount 20
expect_ge 10 $((SECONDS - began)) "seconds that it took to end"
expect_same "$work/random" "$work/disk.img" 100M

echo "--- a mounted loop device"
attach mount disk
echo_run mkfs.ext4 -q "$disk_device"
disk_mount
echo_run cp "$work/random" "$disk_mnt/file"
terminate
says "in use by $disk_device, mounted on $disk_mnt"
echo_run cp "$disk_mnt/file" "$disk_mnt/second" || true
disk_umount
finish mount 60
nothing_is_left
disk_device=$work/disk.img
echo_run fsck.ext4 -fn "$disk_device" || fail "the file system has errors"
disk_mount
expect_same "$work/random" "$disk_mnt/file"
disk_umount
disk_device=

echo "--- unmounted by somebody else"
mount_volume mount disk
echo_run umount "$lib_dir/mount.mnt"
finish mount 20
nothing_is_left

echo "--- aborted, without a backend, with more writes than it has buffers"
mount_volume mount disk
kill_hard disk
start writer fio --name=job "--filename=$(mounted mount)" --ioengine=libaio --direct=1 --rw=randwrite --bs=4k --size=64M --iodepth=64 --thread
wait_for 10 "find '/proc/${lib_pid[writer]}/fd' -lname '*.mnt/disk' | matches ." || fail "fio does not open the file"
sleep 0.5
# It aborts the connection, also of a mount that is in use.
umount -f "$lib_dir/mount.mnt" || true
finish writer 20 1
! mountpoint -q "$lib_dir/mount.mnt" || umount -l "$lib_dir/mount.mnt"
sleep 1
terminate
finish mount 20 1
grep -q 'before its last flush was answered' "$(log_of mount)" || fail "nothing said of the flush: $(cat "$(log_of mount)")"
nothing_is_left
