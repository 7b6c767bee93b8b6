#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Proves: four jobs of fio at once, with requests of all sizes, read back what they wrote: on the
# file, cached, direct and mapped, and on the loop device; with one queue and with several, and with
# a smaller depth than they want.
#
#	fio, 4 jobs -- [loop device --] FUSE: fido-blk-mount ==> fido-blkd: a file, memory
set -eu
# shellcheck source=test/system/blk-mount.bash
. "$(dirname "$0")/blk-mount.bash"

# verify FILE [OPTION...]: each job in its own part of 16 MiB
verify()
{
	local file=$1
	shift
	echo_run fio --name=job "--filename=$file" --numjobs=4 --size=16M --offset_increment=16M --verify=crc32c \
		--verify_fatal=1 --verify_state_save=0 --verify_backlog=512 --iodepth=16 --group_reporting \
		--output="$work/fio.log" "$@" || fail "fio: $(tail -n 20 "$work/fio.log")"
	! grep -Eq 'verify: |verify failed' "$work/fio.log" || fail "fio: $(cat "$work/fio.log")"
	grep -E '^ +(read|write):' "$work/fio.log" || true # for people
}

direct=(--ioengine=libaio --direct=1)
truncate -s 64M "$work/disk.img"
backend disk "disk=file:$work/disk.img" mem=mem:64M

for volume in disk mem; do
	echo "--- file, $volume"
	mount_volume mount $volume
	file=$(mounted mount)
	verify "$file" "${direct[@]}" --rw=randrw --bsrange=4k-256k --fsync=64
	verify "$file" "${direct[@]}" --rw=randwrite --bsrange=512-128k --blockalign=512
	verify "$file" --ioengine=io_uring --direct=1 --rw=randrw --bs=4k --size=4M
	verify "$file" --ioengine=psync --rw=randrw --bsrange=4k-64k --fsync=64
	# One job: fio 3.33 maps all jobs' parts to the first one's.
	verify "$file" --ioengine=mmap --numjobs=1 --rw=randrw --bsrange=4k-64k --fsync=64
	verify "$file" --ioengine=psync --rw=randwrite --bsrange=700-9100 --bs_unaligned --size=8M --verify_backlog=64
	# More than one request of FUSE.
	verify "$file" "${direct[@]}" --rw=randrw --bs=4M --iodepth=4
	detach mount
done

for volume in disk mem; do
	echo "--- loop device, $volume, 3 queues"
	attach mount $volume --queues 3 --depth 8 --spin-us 20
	verify "$disk_device" "${direct[@]}" --rw=randrw --bsrange=4k-256k --fsync=64
	verify "$disk_device" "${direct[@]}" --rw=randrw --bs=4k --size=4M
	verify "$disk_device" --ioengine=psync --rw=randrw --bsrange=4k-64k --fsync=64
	verify "$disk_device" "${direct[@]}" --rw=randrw --bs=4M --iodepth=4
	detach mount
done
stop disk
