#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Proves: a file system on a volume that fido-blk-mount shows keeps its files and is sound by fsck:
# after a remount with the kernel's caches dropped, and after the backend was replaced in between.
# No data are copied on the way.
#
#	ext4 -- loop device, direct I/O -- FUSE: fido-blk-mount ==> fido-blkd: a file
set -eu
# shellcheck source=test/system/blk-mount.bash
. "$(dirname "$0")/blk-mount.bash"

tree=$work/tree
echo_run "$FIDO_TOP/test/make-tree.sh" "$tree"
truncate -s 512M "$work/disk.img"
start_disk
attach mount disk
expect_eq "$(cat "/sys/block/${disk_device#/dev/}/loop/dio")" 1 "direct I/O of $disk_device"
fill_filesystem "$tree"

echo "--- again, with empty caches"
detach mount
expect_ge "$(counter mount writes)" 100 "writes of the volume"
expect_eq "$(counter mount edges)" 0 "blocks that changed in part"
attach mount disk
check_copy "$tree" first
check_copy "$tree" third
detach mount
expect_ge "$(counter mount reads)" 100 "reads of the volume"

echo "--- in the file below"
stop disk
echo_run fsck.ext4 -fn "$work/disk.img" || fail "the file system in the file has errors"

echo "--- another backend, another fido-blk-mount"
start_disk
attach mount disk --queues 2
check_copy "$tree" third
disk_mount
echo_run rm -r "$disk_mnt/first"
echo_run cp -a "$tree" "$disk_mnt/fourth"
disk_umount
detach mount

echo "--- a file system in the file, without --loop"
mount_volume mount disk
disk_device=$(mounted mount)
check_copy "$tree" third
check_copy "$tree" fourth
detach mount
stop disk
