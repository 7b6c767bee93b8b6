#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Proves: what fsync() of the mounted file or of the loop device has covered survives a loss of
# power, and so does each write with O_DSYNC, also an asynchronous one. Unflushed data may be lost;
# the test checks that it would notice.
#
#	fio -- [loop device --] FUSE: fido-blk-mount ==> disk: v on nbd: --> nbdkit: a write-back cache --> image
#
# Killing nbdkit loses its cache, as a disk without power does.
set -eu
# shellcheck source=test/system/blk-mount.bash
. "$(dirname "$0")/blk-mount.bash"
command -v nbdkit >/dev/null || skip "nbdkit is not installed (apt-get install nbdkit)"

size=$((8 << 20))

# serve [FUA]: fuamode=MODE, see nbdkit-fua-filter(1); without it the export has no FUA
serve()
{
	rm -f "$work/nbd.sock"
	start nbd nbdkit -f -U "$work/nbd.sock" --filter=fua --filter=cache file "$work/image" cache=writeback \
		cache-min-block-size=4k "$@"
	wait_for 20 "! is_running nbd || [ -S '$work/nbd.sock' ]" || fail "nbdkit does not listen"
	is_running nbd || skip "nbdkit does not start: $(cat "$(log_of nbd)")"
}

lose_power()
{
	echo "+ power is lost"
	kill_hard nbd
}

# survives FILE COMMAND...: what the command writes is in the image after the loss of power
survives()
{
	local file=$1
	shift
	truncate -s 0 "$work/image"
	truncate -s $size "$work/image"
	echo_run "$@" "$file" || fail "cannot write"
	lose_power
	expect_same "$work/random" "$work/image" $size
}

write_plain()
{
	dd if="$work/random" of="$1" bs=64k conv=notrunc oflag=direct status=none
}

write_fsync()
{
	dd if="$work/random" of="$1" bs=64k conv=notrunc,fsync status=none
}

write_dsync()
{
	dd if="$work/random" of="$1" bs=64k conv=notrunc oflag=direct,dsync status=none
}

# FILE [OPTION...]: the kernel sends no flush after an asynchronous write, only its flag.
fio_dsync()
{
	fio --name=job --filename="$1" --ioengine=libaio --direct=1 --sync=dsync --iodepth=8 --rw=write --bs=64k --size=$size \
		--verify=crc32c --verify_state_save=0 --output="$work/fio.log" "${@:2}" || fail "fio: $(cat "$work/fio.log")"
}

write_mapped()
{
	python3 - "$work/random" "$1" <<-'END'
	import mmap, os, sys
	data = open(sys.argv[1], "rb").read()
	m = mmap.mmap(os.open(sys.argv[2], os.O_RDWR), len(data))
	m[:] = data
	m.flush()
	END
}

random_file "$work/random" $size
truncate -s $size "$work/image"
for how in fsync dsync mapped; do
	echo "--- file, $how"
	serve fuamode=emulate
	backend disk "disk=nbd:nbd+unix:///?socket=$work/nbd.sock"
	mount_volume mount disk
	survives "$(mounted mount)" write_$how
	stop mount 1
	stop disk
done

echo "--- loop device, fsync"
serve fuamode=emulate
backend disk "disk=nbd:nbd+unix:///?socket=$work/nbd.sock"
attach mount disk
survives "$disk_device" write_fsync
disk_device=
stop mount 1
stop disk

echo "--- nothing is flushed: that must show"
serve fuamode=emulate
backend disk "disk=nbd:nbd+unix:///?socket=$work/nbd.sock"
mount_volume mount disk
truncate -s 0 "$work/image"
truncate -s $size "$work/image"
write_plain "$(mounted mount)"
lose_power
! cmp -s "$work/random" "$work/image" || fail "the test cannot lose anything"
stop mount 1
stop disk

echo "--- SIGTERM flushes: nothing is lost"
serve fuamode=emulate
backend disk "disk=nbd:nbd+unix:///?socket=$work/nbd.sock"
mount_volume mount disk
truncate -s 0 "$work/image"
truncate -s $size "$work/image"
write_plain "$(mounted mount)"
stop mount
lose_power
expect_same "$work/random" "$work/image" $size
stop disk

for fua in fuamode=emulate ''; do
	echo "--- asynchronous writes with O_DSYNC are durable by themselves; ${fua:-no FUA}"
	serve ${fua:+"$fua"}
	backend disk "disk=nbd:nbd+unix:///?socket=$work/nbd.sock"
	mount_volume mount disk
	truncate -s 0 "$work/image"
	truncate -s $size "$work/image"
	fio_dsync "$(mounted mount)" --do_verify=0
	lose_power
	fio_dsync "$work/image" --verify_only
	stop mount 1
	[ -z "$fua" ] || expect_eq "$(counter mount flushes)" 1 "flushes, with that at the end"
	[ -n "$fua" ] || expect_ge "$(counter mount flushes)" 100 "flushes"
	stop disk
done
nothing_is_left
