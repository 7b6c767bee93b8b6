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

# Print what diff does not compare: owners, modes, times, links.
describe()
{
	(cd "$1" && find . \( -type d -printf '%P %y %m %U %T@\n' \) -o -printf '%P %y %m %U %T@ %s %n %l\n' | LC_ALL=C sort)
}

# check NAME: after a remount, the tree's copy is the same
check()
{
	nbd_mount
	echo_run diff -r --no-dereference "$tree" "$nbd_mnt/$1" || fail "the copy $1 differs"
	describe "$tree" >"$work/want"
	describe "$nbd_mnt/$1" >"$work/have"
	echo_run diff "$work/want" "$work/have" || fail "the copy $1 differs in what its files are"
	nbd_umount
	echo_run fsck.ext4 -fn "$nbd_device" || fail "the file system has errors"
}

tree=$work/tree
echo_run "$FIDO_TOP/test/make-tree.sh" "$tree"
truncate -s 512M "$work/disk.img"
backend disk "disk=file:$work/disk.img"
serve nbdkit disk
nbd_attach nbdkit
echo_run mkfs.ext4 -q "$nbd_device"
nbd_mount
for copy in first second third; do
	echo_run cp -a "$tree" "$nbd_mnt/$copy"
done
echo_run rm -r "$nbd_mnt/second"
echo_run fstrim -v "$nbd_mnt" || true
nbd_umount

echo "--- again, by another way through the caches"
nbd_detach
nbd_attach nbdkit
check first
check third
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
check third
nbd_mount
echo_run rm -r "$nbd_mnt/first"
echo_run cp -a "$tree" "$nbd_mnt/fourth"
nbd_umount
nbd_detach
nbd_attach nbdkit
check third
check fourth
nbd_detach
stop_sound nbdkit
stop disk
