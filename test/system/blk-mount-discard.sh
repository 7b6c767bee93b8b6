#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Proves: a hole punched into the mounted file, a discard of the loop device, and fstrim free the
# space of the file below; zeroing does not need the data to cross; all read as zeros, and what is
# beside them stays.
#
#	fallocate, blkdiscard, fstrim -- [loop device --] FUSE: fido-blk-mount ==> fido-blkd: a file
set -eu
# shellcheck source=test/system/blk-mount.bash
. "$(dirname "$0")/blk-mount.bash"

size=$((64 << 20))

# used_below KIB: the file below takes no more than that
used_below()
{
	sync "$work/disk.img"
	expect_ge "$1" $(($(stat -c '%b * %B / 1024' "$work/disk.img"))) "KiB that the file takes"
}

# Bytes that crossed to the backend.
written()
{
	"$FIDO_BUILD/apps/fido-ctl/fido-ctl" blk --group "$fido_group" --json | jq '.volumes[0].total.write_bytes'
}

fill()
{
	echo_run dd if="$work/random" of="$1" bs=1M conv=notrunc,fsync oflag=direct status=none
}

# is_changed FILE BEGIN END: zeros there, and otherwise the random data
is_changed()
{
	cmp -n "$2" "$1" "$work/random" || fail "what is before has changed"
	cmp -n $(($3 - $2)) -i "$2:0" "$1" /dev/zero || fail "no zeros"
	cmp -n $((size - $3)) -i "$3:$3" "$1" "$work/random" || fail "what is behind has changed"
}

random_file "$work/random" $size
truncate -s $size "$work/disk.img"
start_disk

echo "--- the file"
mount_volume mount disk
file=$(mounted mount)
fill "$file"
echo_run fallocate -p -o $((1 << 20)) -l $((60 << 20)) "$file"
is_changed "$file" $((1 << 20)) $((61 << 20))
used_below 6144
fill "$file"
echo_run fallocate -p -o 1000003 -l $((60 << 20)) "$file"
is_changed "$file" 1000003 $((1000003 + (60 << 20)))
used_below 6144
fill "$file"
echo_run fallocate -z -n -o 5000 -l 3000000 "$file"
is_changed "$file" 5000 3005000
! fallocate -l 1M "$file" 2>/dev/null || fail "space was promised"
detach mount
expect_ge "$(counter mount discards)" 2 "discards"
expect_ge "$(counter mount zeroes)" 3 "zeroes"

echo "--- the loop device"
attach mount disk
fill "$disk_device"
echo_run blkdiscard -o $((1 << 20)) -l $((60 << 20)) "$disk_device"
is_changed "$disk_device" $((1 << 20)) $((61 << 20))
used_below 6144
fill "$disk_device"
before=$(written)
echo_run blkdiscard -z -o $((1 << 20)) -l $((60 << 20)) "$disk_device"
is_changed "$disk_device" $((1 << 20)) $((61 << 20))
expect_eq "$(written)" "$before" "bytes that were written to the volume"

echo "--- fstrim"
fill "$disk_device"
echo_run mkfs.ext4 -q -E nodiscard "$disk_device"
disk_mount
echo_run fstrim -v "$disk_mnt"
disk_umount
used_below 12288
detach mount
stop disk
