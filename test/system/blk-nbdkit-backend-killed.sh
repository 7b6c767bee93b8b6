#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Proves: when the backend is killed under load and restarted, NBD clients see only a pause: no
# error, no wrong byte. Meanwhile nbdkit does not spin, and can be stopped. If another volume comes
# back, requests fail and say why.
#
#	nbdcopy, fio --NBD--> nbdkit ==> fido-blkd: a file     killed, again and again
set -eu
# shellcheck source=test/system/blk-nbdkit.bash
. "$(dirname "$0")/blk-nbdkit.bash"

truncate -s 256M "$work/disk.img"
random_file "$work/random" 200M
start_disk
serve nbdkit disk queues=2

echo "--- copies"
# Slow enough to be interrupted.
start copy nbdkit -f -U - --filter=rate file "file=$work/random" rate=400M \
	--run "nbdcopy --flush \$uri '$(nbd_uri nbdkit)'"
kill_under copy 1
start copy nbdcopy "$(nbd_uri nbdkit)" "$work/copy"
kill_under copy 1
expect_same "$work/random" "$work/copy" 200M

echo "--- verification"
start fio fio --name=job --ioengine=nbd "--uri=$(nbd_uri nbdkit)" --numjobs=4 --size=16M --offset_increment=16M \
	--rw=randrw --bsrange=4k-64k --verify=crc32c --verify_fatal=1 --verify_state_save=0 --verify_backlog=256 --iodepth=16 --fsync=32 \
	--rate=6M --group_reporting
kill_under fio 1
expect_verified fio
grep -E '^ +(read|write):' "$(log_of fio)" || true # for people

echo "--- idle while it dies, many times"
for _ in 1 2 3; do
	kill_hard disk
	start_disk
done
echo_run qemu-io -f raw -c 'read 0 64k' "$(nbd_uri nbdkit)"
stop_sound nbdkit
expect_ge "$(counter nbdkit resent)" 1 "requests that were sent again"
expect_ge "$(counter nbdkit sessions)" 8 "times that a queue found the backend"

echo "--- away"
serve nbdkit disk
kill_hard disk
start copy nbdcopy "$(nbd_uri nbdkit)" "$work/copy"
sleep 1.5
before=$(ticks nbdkit)
sleep 2
expect_ge 3 $(($(ticks nbdkit) - before)) "hundredths of a second that a waiting nbdkit ran for"
is_running copy || fail "nbdcopy did not wait"
start_disk
finish copy 30
expect_same "$work/disk.img" "$work/copy"

echo "--- away, and clients go too"
# One request each: nbdkit 1.32 may fail an assertion when a client with several pending answers
# leaves.
kill_hard disk
start client qemu-io -f raw -c 'read 0 4k' "$(nbd_uri nbdkit)"
sleep 0.5
echo "+ kill -KILL client"
kill_hard client
start_disk
echo_run qemu-io -f raw -c 'write -P 1 200M 4k' -c 'read -P 1 200M 4k' "$(nbd_uri nbdkit)"
kill_hard disk
start client qemu-io -f raw -c 'read 0 4k' "$(nbd_uri nbdkit)"
sleep 1
began=$SECONDS
stop nbdkit
expect_ge 20 $((SECONDS - began)) "seconds that nbdkit took to end while the backend was away"
finish client 10 1

echo "--- another volume"
start_disk
serve nbdkit disk
kill_hard disk
mv "$work/disk.img" "$work/old.img"
truncate -s 256M "$work/disk.img"
start_disk
! qemu-io -f raw -c 'read 0 4k' "$(nbd_uri nbdkit)" >"$work/out" 2>&1 || fail "another volume was read: $(cat "$work/out")"
grep -q 'restart nbdkit' "$(log_of nbdkit)" || fail "nothing in the log about another volume"
stop nbdkit
stop disk
