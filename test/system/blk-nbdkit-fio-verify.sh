#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Proves: four clients at once, with requests of all sizes, also partial blocks, read back what they
# wrote; with one queue and with several, and with a smaller depth than they want.
#
#	fio, 4 jobs --NBD--> nbdkit ==> fido-blkd: a file, memory
set -eu
# shellcheck source=test/system/blk-nbdkit.bash
. "$(dirname "$0")/blk-nbdkit.bash"

# verify NAME VOLUME [OPTION...]: each job in its own part of 16 MiB
verify()
{
	local name=$1 volume=$2
	shift 2
	echo_run fio --name=job --ioengine=nbd "--uri=$(nbd_uri "$name" "$volume")" --numjobs=4 --size=16M \
		--offset_increment=16M --verify=crc32c --verify_fatal=1 --verify_state_save=0 --verify_backlog=512 --iodepth=16 \
		--group_reporting --output="$work/fio.log" "$@" || fail "fio: $(tail -n 20 "$work/fio.log")"
	! grep -Eq 'verify: |verify failed' "$work/fio.log" || fail "fio: $(cat "$work/fio.log")"
	grep -E '^ +(read|write):' "$work/fio.log" || true # for people
}

truncate -s 64M "$work/disk.img"
backend disk "disk=file:$work/disk.img" mem=mem:64M
serve one disk mem
serve three disk mem queues=3 depth=4 spin=20
for name in one three; do
	for volume in disk mem; do
		verify $name $volume --rw=randrw --bsrange=4k-256k --fsync=64
	done
done
verify one disk --rw=randrw --bs=4k --size=4M
verify one mem --rw=randwrite --bsrange=512-128k --blockalign=512
# Sizes other than whole blocks: requests of one job share blocks with each other.
verify one disk --rw=randwrite --bsrange=700-9100 --bs_unaligned --size=8M --verify_backlog=64
verify three mem --rw=write --bsrange=700-9100 --bs_unaligned --size=4M
# More than the backend accepts at a time.
verify one disk --rw=randrw --bs=4M --iodepth=4
verify three mem --rw=randrw --bs=16M --iodepth=2
stop_sound one
stop_sound three
stop disk
