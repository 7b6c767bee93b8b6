#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Proves: a volume that cannot be written, and one mounted with --read-only, can be read, and
# nothing else: its file has no write permission, opening it for writing fails, its loop device is
# read-only, and its contents stay as they were.
#
#	dd -- [loop device --] FUSE: fido-blk-mount ==> fido-blkd: files
set -eu
# shellcheck source=test/system/blk-mount.bash
. "$(dirname "$0")/blk-mount.bash"

random_file "$work/rom.img" 5M
random_file "$work/disk.img" 5M
cp "$work/rom.img" "$work/rom.copy"
cp "$work/disk.img" "$work/disk.copy"
blkd disk --hugepages off --buffers 16 --read-only "rom=file:$work/rom.img" --volume "disk=file:$work/disk.img"

# refuses FILE
refuses()
{
	! dd if=/dev/zero of="$1" bs=4k count=1 conv=notrunc oflag=direct 2>"$work/out" || fail "written"
	grep -Eq 'Read-only|not permitted' "$work/out" || fail "not refused as read-only: $(cat "$work/out")"
	! fallocate -p -o 0 -l 4096 "$1" 2>/dev/null || fail "a hole was punched"
}

for volume in rom disk; do
	options=()
	[ $volume = rom ] || options=(--read-only)
	echo "--- $volume ${options[*]:-}"
	mount_volume mount $volume "${options[@]}"
	file=$(mounted mount)
	expect_eq "$(stat -c %a "$file")" 400 "mode of the file"
	expect_same "$work/$volume.img" "$file"
	refuses "$file"
	detach mount
	attach mount $volume "${options[@]}"
	expect_eq "$(cat "/sys/block/${disk_device#/dev/}/ro")" 1 "$disk_device is read-only"
	expect_same "$work/$volume.img" "$disk_device"
	refuses "$disk_device"
	detach mount
	expect_eq "$(counter mount writes)" 0 "writes"
done
stop disk
expect_same "$work/rom.img" "$work/rom.copy"
expect_same "$work/disk.img" "$work/disk.copy"
