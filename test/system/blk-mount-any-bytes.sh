#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Proves: reads return what was written, with any offset and length, by the page cache, direct I/O,
# O_DSYNC and mmap(), mixed; holes and zeros are zeros. The volume has its own size: writes beyond
# it fail, and opening with O_TRUNC leaves it. Blocks of 512 and 4096 bytes; one queue and several.
#
#	python --FUSE--> fido-blk-mount ==> fido-blkd: memory, a file, nbdkit with blocks of 4096
set -eu
# shellcheck source=test/system/blk-mount.bash
. "$(dirname "$0")/blk-mount.bash"

# any_bytes VOLUME [ARG...]
any_bytes()
{
	local volume=$1
	shift
	echo "--- $volume $*"
	mount_volume mount "$volume" "$@"
	echo_run python3 "$FIDO_TOP/test/system/helpers/any-bytes.py" "$(mounted mount)" "$work/model" "$RANDOM" 1200 ||
		fail "a read was wrong"
	expect_same "$(mounted mount)" "$work/model"
	expect_eq "$(stat -c %s "$(mounted mount)")" $size "size of the file"
	detach mount
	expect_ge "$(counter mount edges)" 100 "blocks that changed in part"
}

size=$((32 << 20))
truncate -s $size "$work/disk.img"
volumes=("disk=file:$work/disk.img" "mem=mem:$size")
if command -v nbdkit >/dev/null; then
	start nbd nbdkit -f -U "$work/nbd.sock" --filter=blocksize-policy memory $size blocksize-minimum=4096 \
		blocksize-preferred=4096 blocksize-maximum=1M blocksize-error-policy=error
	wait_for 20 "[ -S '$work/nbd.sock' ]" || fail "nbdkit does not listen"
	volumes+=("nbd=nbd:nbd+unix:///?socket=$work/nbd.sock")
fi
backend disk "${volumes[@]}"
any_bytes mem
any_bytes disk --queues 3
[ ${#volumes[@]} = 2 ] || any_bytes nbd --depth 4

echo "--- the size is fixed"
mount_volume mount disk
file=$(mounted mount)
random_file "$work/random" 5M
echo_run cp "$work/random" "$file"
expect_eq "$(stat -c %s "$file")" $size "size after cp"
expect_same "$work/random" "$file" 5M
! truncate -s 1M "$file" 2>"$work/out" || fail "the file was truncated"
! head -c 33M /dev/zero 2>/dev/null | dd of="$file" bs=1M iflag=fullblock conv=notrunc 2>"$work/out" || fail "written beyond the end"
grep -q "No space left" "$work/out" || fail "not ENOSPC: $(cat "$work/out")"
echo_run chown nobody "$file"
echo_run chmod 640 "$file"
expect_eq "$(stat -c '%U %a' "$file")" "nobody 640" "owner and mode"
ls -l "$lib_dir/mount.mnt"
detach mount
stop disk
