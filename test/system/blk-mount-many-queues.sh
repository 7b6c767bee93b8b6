#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Proves: with several queues all threads serve, each with its own queue, and what one process has
# written is right for every other, also in parts of blocks that several change at once. A mount
# without requests does not run at all.
#
#	8 processes -- FUSE: fido-blk-mount, 4 threads ==[ 4 queues ]==> fido-blkd: memory, 2 threads
set -eu
# shellcheck source=test/system/blk-mount.bash
. "$(dirname "$0")/blk-mount.bash"

blkd disk --hugepages off --threads 2 --volume disk=mem:64M
mount_volume mount disk --queues 4 --depth 8
file=$(mounted mount)
"$FIDO_BUILD/apps/fido-ctl/fido-ctl" blk --group "$fido_group" --json >"$work/blk.json"
expect_eq "$(jq '[.. | objects | select(.client? == "mount")] | length' "$work/blk.json")" 4 "queues that fido-ctl shows"

echo "--- 8 jobs"
echo_run fio --name=job "--filename=$file" --ioengine=libaio --direct=1 --numjobs=8 --size=8M --offset_increment=8M --rw=randrw \
	--bsrange=4k-128k --verify=crc32c --verify_fatal=1 --verify_state_save=0 --verify_backlog=128 --iodepth=16 \
	--loops=3 --group_reporting --output="$work/fio.log" || fail "fio: $(tail -n 20 "$work/fio.log")"
grep -E '^ +(read|write):' "$work/fio.log" || true # for people

echo "--- 8 processes change parts of the same blocks"
# Process i writes the bytes of 8-byte words that are its own: each block is changed by all.
python3 - "$file" <<-'END' || fail "a change is lost"
	import mmap, os, random, sys
	path, size, processes = sys.argv[1], 1 << 16, 8
	fd = os.open(path, os.O_RDWR | os.O_DIRECT)
	clean = mmap.mmap(-1, size)
	os.pwritev(fd, [clean], 0)
	for i in range(processes):
	    if os.fork() == 0:
	        fd = os.open(path, os.O_RDWR | os.O_DIRECT)
	        page = mmap.mmap(-1, 4096)
	        page[:] = bytes([i + 1]) * 4096
	        words = list(range(i, size // 64, processes))
	        random.shuffle(words)
	        for word in words:
	            os.pwritev(fd, [memoryview(page)[:64]], word * 64)
	        os._exit(0)
	for i in range(processes):
	    assert os.wait()[1] == 0
	data = mmap.mmap(-1, size)
	os.preadv(fd, [data], 0)
	for word in range(size // 64):
	    assert data[word * 64:word * 64 + 64] == bytes([word % processes + 1]) * 64, word
END

echo "--- idle"
sleep 1
before=$(ticks mount)
sleep 3
expect_ge 1 $(($(ticks mount) - before)) "hundredths of a second that an idle mount ran for"
detach mount
for i in 0 1 2 3; do
	n=$(grep -a "queue $i: " "$(log_of mount)" | grep -ao ' reads [0-9]*' | awk '{ print $2 }')
	expect_ge "$n" 20 "reads on queue $i"
done
expect_ge "$(counter mount edges)" 1000 "blocks that changed in part"
stop disk
