#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Proves: a file system on a volume holds what was put there, and is sound: by fsck, after it was mounted again with
# nothing left in the kernel's caches, and after the backend was replaced in between.
#
#	ext4 -- loop device -- nbdfuse --NBD--> nbdkit ==> fido-blkd: a file
set -eu
# shellcheck source=test/system/blk-nbdkit.bash
. "$(dirname "$0")/blk-nbdkit.bash"
[ "$(id -u)" = 0 ] || skip "needs root for loop devices and mounts"

# check NAME FOLDER: mounted anew, the folder's copy is the same
check()
{
	nbd_mount
	echo_run diff -r --no-dereference "$2" "$nbd_mnt/$1" || fail "the copy of $2 differs"
	nbd_umount
	echo_run fsck.ext4 -fn "$nbd_device" || fail "the file system has errors"
}

truncate -s 512M "$work/disk.img"
backend disk "disk=file:$work/disk.img"
serve nbdkit disk
nbd_attach nbdkit
echo_run mkfs.ext4 -q "$nbd_device"
nbd_mount
for folder in src doc drivers; do
	echo_run cp -a "$FIDO_TOP/$folder" "$nbd_mnt/$folder"
done
echo_run cp -a /usr/include "$nbd_mnt/include"
echo_run rm -r "$nbd_mnt/drivers"
echo_run fstrim -v "$nbd_mnt" || true
nbd_umount

echo "--- again, by another way through the caches"
nbd_detach
nbd_attach nbdkit
check src "$FIDO_TOP/src"
check doc "$FIDO_TOP/doc"
check include /usr/include
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
check include /usr/include
nbd_mount
echo_run rm -r "$nbd_mnt/include"
echo_run cp -a "$FIDO_TOP/drivers" "$nbd_mnt/drivers"
nbd_umount
nbd_detach
nbd_attach nbdkit
check drivers "$FIDO_TOP/drivers"
nbd_detach
stop_sound nbdkit
stop disk
