#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Proves: writes, zeros and discards at any place and of any length change exactly that range, as
# QEMU's block layer requests them; and QEMU's image tools find the same in a volume as in the file
# below it.
#
#	qemu-io, qemu-img --NBD--> nbdkit ==> fido-blkd: a file, memory
set -eu
# shellcheck source=test/system/blk-nbdkit.bash
. "$(dirname "$0")/blk-nbdkit.bash"

# io VOLUME COMMAND...: all must succeed, and all patterns match
io()
{
	local volume=$1 args=() command
	shift
	for command in "$@"; do
		args+=(-c "$command")
	done
	printf '+ qemu-io %s: %s\n' "$volume" "$*"
	qemu-io -f raw "${args[@]}" "$(nbd_uri nbdkit "$volume")" >"$work/out" 2>&1 || fail "qemu-io: $(cat "$work/out")"
	! grep -Eqi 'fail|error|verification' "$work/out" || fail "qemu-io: $(cat "$work/out")"
}

# Fill the volume from 0 to 1M with 0xaa, then change N bytes at A to P: nothing else changes.
changes()
{
	local volume=$1 command=$2 pattern=$3 at=$4 len=$5
	io "$volume" "write -P 0xaa 0 1M" "$command $at $len" "read -P $pattern $at $len" "read -P 0xaa 0 $at" \
		"read -P 0xaa $((at + len)) $(((1 << 20) - at - len))"
}

size=64M
truncate -s $size "$work/disk.img"
backend disk "disk=file:$work/disk.img" mem=mem:$size
serve nbdkit disk mem

for volume in disk mem; do
	# Places and lengths: whole blocks of 512 and of 4096, inside a block, across two, many.
	for place in '512 512' '4096 65536' '1 1' '700 20' '511 2' '4095 4098' '1000 100000' '513 524287'; do
		# shellcheck disable=SC2086 # two words
		for command in 'write -P 0x55' 'write -f -P 0x55'; do
			changes $volume "$command" 0x55 $place
		done
		# shellcheck disable=SC2086
		for command in 'write -z' 'write -z -u' 'write -z -f'; do
			changes $volume "$command" 0 $place
		done
	done
	io $volume 'write -P 0xaa 0 1M' 'discard 4096 65536' 'read -P 0xaa 0 4096' 'read -P 0xaa 69632 4096' flush
	io $volume 'write -P 0xaa 0 1M' 'discard 1000 3000' 'read -P 0xaa 0 1000' 'read -P 0xaa 4000 100' flush
	io $volume 'writev -P 7 8192 512 1024 100 4000 8' 'readv -P 7 8192 5000 644' flush
	io $volume 'aio_write -P 1 0 64k' 'aio_write -P 2 64k 64k' 'aio_write -P 3 131072 1000' aio_flush \
		'read -P 1 0 64k' 'read -P 2 64k 64k' 'read -P 3 131072 1000'
	# The end, and beyond it.
	io $volume 'write -P 9 67108863 1' 'read -P 9 67108863 1' 'write -z 67108000 864' 'read -P 0 67108000 864'
	! qemu-io -f raw -c 'write 67108863 2' "$(nbd_uri nbdkit $volume)" >"$work/out" 2>&1 || fail "written behind the end"
done

echo "--- images"
random_file "$work/random" 40M
echo_run qemu-img convert -n -f raw -O raw "$work/random" "$(nbd_uri nbdkit disk)"
truncate -s $size "$work/random"
echo_run qemu-img compare -f raw -F raw "$work/random" "$(nbd_uri nbdkit disk)"
sync "$work/disk.img"
expect_same "$work/random" "$work/disk.img"
echo_run qemu-img convert -n -f raw -O raw "$(nbd_uri nbdkit disk)" "$(nbd_uri nbdkit mem)"
echo_run qemu-img compare -f raw -F raw "$(nbd_uri nbdkit disk)" "$(nbd_uri nbdkit mem)"
# An image format inside the volume.
echo_run qemu-img create -q -f qcow2 "$(nbd_uri nbdkit mem)" 128M
echo_run qemu-io -f qcow2 -c 'write -P 5 100M 1M' -c 'read -P 5 100M 1M' -c 'read -P 0 0 1M' "$(nbd_uri nbdkit mem)"
echo_run qemu-img check -f qcow2 "$(nbd_uri nbdkit mem)"
stop_sound nbdkit
stop disk
