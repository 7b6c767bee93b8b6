#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Proves: requests of 1 MiB reach the backend whole from the file, and in halves from the loop device
# (which takes 128 pages, unless they lie side by side in memory); sequential reads through the page
# cache read that much ahead. qemu uses the file as a disk.
#
#	dd, qemu-io -- [loop device --] FUSE: fido-blk-mount ==> fido-blkd: memory
set -eu
# shellcheck source=test/system/blk-mount.bash
. "$(dirname "$0")/blk-mount.bash"

random_file "$work/random" 64M
backend disk disk=mem:64M

# at_most N KEY: requests of the stopped mount
at_most()
{
	expect_ge "$1" "$(counter mount "$2")" "$2: not larger than that"
}

echo "--- file"
mount_volume mount disk
echo_run dd if="$work/random" of="$(mounted mount)" bs=1M conv=notrunc oflag=direct status=none
echo_run dd if="$(mounted mount)" of="$work/copy" bs=1M iflag=direct status=none
expect_same "$work/random" "$work/copy"
detach mount
expect_eq "$(counter mount writes)" 64 "writes"
# One more finds the end.
expect_eq "$(counter mount reads)" 64 "reads"

echo "--- page cache"
mount_volume mount disk
echo_run dd if="$work/random" of="$(mounted mount)" bs=1M conv=notrunc status=none
# Another open, so that nothing is cached.
echo_run dd if="$(mounted mount)" of="$work/copy" bs=64k status=none
expect_same "$work/random" "$work/copy"
detach mount
at_most 128 writes
at_most 128 reads

echo "--- loop device"
attach mount disk
echo_run dd if="$work/random" of="$disk_device" bs=1M oflag=direct status=none
echo_run dd if="$disk_device" of="$work/copy" bs=1M iflag=direct status=none
expect_same "$work/random" "$work/copy"
detach mount
at_most 140 writes
# udev looks at a new device.
at_most 160 reads

if command -v qemu-io >/dev/null; then
	echo "--- qemu"
	mount_volume mount disk
	file=$(mounted mount)
	for cache in none writeback writethrough directsync; do
		echo_run qemu-io -f raw -t $cache -c 'write -P 7 1000 70000' -c 'read -P 7 1000 70000' -c 'write -z 4096 8192' \
			-c 'read -P 0 4096 8192' -c 'discard 1M 1M' -c 'aio_write -P 3 8M 1M' -c 'aio_write -P 4 9M 1M' -c aio_flush \
			-c 'read -P 4 9M 1M' -c flush "$file" >"$work/out" 2>&1 || fail "qemu-io: $(cat "$work/out")"
		! grep -Eqi 'fail|error|verification' "$work/out" || fail "qemu-io: $(cat "$work/out")"
	done
	echo_run qemu-img convert -n -f raw -O raw -t none -T none "$work/random" "$file"
	echo_run qemu-img compare -f raw -F raw "$work/random" "$file"
	detach mount
fi
stop disk
