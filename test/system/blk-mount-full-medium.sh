#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Proves: when the file system below a volume is full, write() of the mounted file fails with
# ENOSPC at once, cached or direct, nothing else fails, and once there is room it works again. A
# file system on the loop device reports the error at fsync().
#
#	dd -- [ext4, loop device --] FUSE: fido-blk-mount ==> fido-blkd: a file on a tmpfs of 4 MiB
set -eu
# shellcheck source=test/system/blk-mount.bash
. "$(dirname "$0")/blk-mount.bash"

folder=$work/small
mkdir "$folder"
mount -t tmpfs -o size=4M tmpfs "$folder"
# shellcheck disable=SC2016 # expanded at the end
lib_at_exit=('umount "$folder"' "${lib_at_exit[@]}")
backend disk "disk=file:$folder/disk.img,create=16M"
mount_volume mount disk
file=$(mounted mount)
random_file "$work/random" 8M

for flag in '' oflag=direct; do
	echo "--- full, ${flag:-cached}"
	# shellcheck disable=SC2086 # nothing, or a word
	! dd if="$work/random" of="$file" bs=64k conv=notrunc $flag 2>"$work/out" || fail "8 MiB fit into 4"
	grep -q 'No space left' "$work/out" || fail "not ENOSPC: $(cat "$work/out")"
	expect_same "$work/random" "$file" 3M
done
grep -q 'volume disk: cannot write .*No space left' "$(log_of mount)" || fail "nothing in the log: $(cat "$(log_of mount)")"

echo "--- with room again"
mount -o remount,size=32M "$folder"
echo_run dd if="$work/random" of="$file" bs=64k conv=notrunc,fsync status=none
expect_same "$work/random" "$file" 8M
stop mount
nothing_is_left

echo "--- below a file system"
attach mount disk
echo_run mkfs.ext4 -q "$disk_device"
disk_mount
mount -o remount,size=2M "$folder" 2>/dev/null || mount -o remount,size=9M "$folder"
! dd if=/dev/urandom of="$disk_mnt/file" bs=64k count=160 conv=fsync 2>"$work/out" || fail "fsync() reports nothing"
mount -o remount,size=32M "$folder"
disk_umount
disk_device=
stop mount
nothing_is_left
stop disk
