#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Proves: a file system on a volume keeps its files and is sound by fsck: after a remount with the
# kernel's caches dropped, and after the backend was replaced in between.
#
#	ext4 -- loop device -- nbdfuse --NBD--> nbdkit ==> fido-blkd: a file
set -eu
# shellcheck source=test/system/blk-nbdkit.bash
. "$(dirname "$0")/blk-nbdkit.bash"
[ "$(id -u)" = 0 ] || skip "needs root for loop devices and mounts"

tree=$work/tree
echo_run "$FIDO_TOP/test/make-tree.sh" "$tree"
truncate -s 512M "$work/disk.img"
backend disk "disk=file:$work/disk.img"
serve nbdkit disk
nbd_attach nbdkit
fill_filesystem "$tree"

echo "--- again, by another way through the caches"
nbd_detach
nbd_attach nbdkit
check_copy "$tree" first
check_copy "$tree" third
nbd_detach
stop_sound nbdkit
expect_ge "$(counter nbdkit reads)" 100 "reads of the volume"

echo "--- in the file below"
stop disk
echo_run fsck.ext4 -fn "$work/disk.img" || fail "the file system in the file has errors"

echo "--- another backend, another nbdkit"
backend disk "disk=file:$work/disk.img"
serve nbdkit disk queues=2
nbd_attach nbdkit
check_copy "$tree" third
disk_mount
echo_run rm -r "$disk_mnt/first"
echo_run cp -a "$tree" "$disk_mnt/fourth"
disk_umount
nbd_detach
nbd_attach nbdkit
check_copy "$tree" third
check_copy "$tree" fourth
nbd_detach
stop_sound nbdkit
stop disk
