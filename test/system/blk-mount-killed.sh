#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Proves: when fido-blk-mount is killed under load, its users get errors and do not hang, its loop
# device goes away by itself, the backend gets all its memory back, and the same command mounts the
# volume again, with everything that was answered.
#
#	fio -- [loop device --] FUSE: fido-blk-mount    killed ==> fido-blkd: memory
set -eu
# shellcheck source=test/system/blk-mount.bash
. "$(dirname "$0")/blk-mount.bash"
ctl=$FIDO_BUILD/apps/fido-ctl/fido-ctl

# Nothing is out, held or lent.
backend_is_clean()
{
	wait_for 20 "\"$ctl\" links --group '$fido_group' --domain disk --json |
		jq -e '[.links[] | .buffers_out, .buffers_held, .stranded] | all(. == 0 or . == null)' >/dev/null &&
		\"$ctl\" blk --group '$fido_group' --domain disk --json | jq -e '.volumes | all(.pieces_lent == 0)' >/dev/null" ||
		fail "buffers are missing: $("$ctl" links --group "$fido_group" --domain disk; "$ctl" blk --group "$fido_group")"
}

load()
{
	start load fio --name=job "--filename=$1" --ioengine=libaio --direct=1 --offset=16M --size=100M --rw=randrw \
		--bsrange=4k-1m --iodepth=16 --time_based --runtime=60
	sleep "0.$((RANDOM % 5 + 5))"
	is_running load || fail "fio ended: $(cat "$(log_of load)")"
}

backend disk disk=mem:128M
random_file "$work/random" 16M
for i in 1 2 3; do
	echo "--- kill $i, file"
	mount_volume mount disk --queues 2
	file=$(mounted mount)
	dd if="$work/random" of="$file" bs=1M conv=notrunc oflag=direct status=none
	load "$file"
	echo "+ kill -KILL mount"
	kill_hard mount
	finish load 20 1
	! stat "$file" >"$work/out" 2>&1 || fail "a dead mount answers"
	grep -q 'Transport endpoint is not connected' "$work/out" || fail "not ENOTCONN: $(cat "$work/out")"
	backend_is_clean
	mount_volume mount disk
	grep -q 'has died: unmounting it' "$(log_of mount)" || fail "nothing said of the dead mount: $(cat "$(log_of mount)")"
	expect_same "$work/random" "$(mounted mount)" 16M
	detach mount
done

for i in 1 2 3; do
	echo "--- kill $i, loop device"
	attach mount disk
	dd if="$work/random" of="$disk_device" bs=1M conv=notrunc oflag=direct status=none
	load "$disk_device"
	echo "+ kill -KILL mount"
	kill_hard mount
	finish load 20 1
	wait_for 20 "! [ -e /sys/block/${disk_device#/dev/}/loop ]" || fail "$disk_device is left"
	disk_device=
	backend_is_clean
	attach mount disk
	expect_same "$work/random" "$disk_device" 16M
	detach mount
done

echo "--- a mounted loop device"
attach mount disk
echo_run mkfs.ext4 -q "$disk_device"
disk_mount
echo_run cp "$work/random" "$disk_mnt/file"
echo_run sync -f "$disk_mnt"
kill_hard mount
wait_for 10 "! cat '$disk_mnt/other' 2>/dev/null" || true
disk_umount
wait_for 20 "! [ -e /sys/block/${disk_device#/dev/}/loop ]" || fail "$disk_device is left"
attach mount disk
disk_mount
expect_same "$work/random" "$disk_mnt/file"
disk_umount
detach mount
stop disk
