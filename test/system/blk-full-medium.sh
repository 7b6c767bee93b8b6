#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Proves: when the file system below a volume is full, fido-blkd logs once which volume, which file
# and what to do, counts the failed requests, and the front-end gets ENOSPC; once there is room the
# volume works again.
#
#	tmpfs of 4 MiB: file of 16 MiB <--- fido-blkd (disk) <--- fido-blk-perf
#
# No hugepages. Needs to mount a file system (root).
# shellcheck source=test/system/blk.bash
. "$(dirname "$0")/blk.bash"
[ "$(id -u)" = 0 ] || skip "only root can mount a file system"
folder=$lib_dir/small
mkdir "$folder"
mount -t tmpfs -o size=4M tmpfs "$folder"
# shellcheck disable=SC2016 # expanded at the end
at_exit 'umount "$folder"'
disk "file:$folder/f,create=16M"

errors()
{
	"$ctl" blk --group "$fido_group" --json | jq '[.. | objects | .errors? // empty | numbers] | add // 0'
}

messages()
{
	grep -c "volume v: write to $folder/f failed: " "$(log_of disk)" || true
}

echo "+ more is written than there is room for"
for i in 1 2; do
	status=0
	timeout 60 "$blk_perf" --group "$fido_group" --domain "front$i" --backend disk --volume v --no-hugepages --read-percent 0 --bs 64K \
		--time 1 >"$lib_dir/said" 2>&1 || status=$?
	expect_eq "$status" 1 "exit status of a front-end whose writes fail: $(head -n 5 "$lib_dir/said")"
	grep -q "$(LC_ALL=C python3 -c 'import errno, os; print(os.strerror(errno.ENOSPC))')" "$lib_dir/said" ||
		fail "the front-end is not told that there is no space: $(head -n 5 "$lib_dir/said")"
done
expect_eq "$(messages)" 1 "messages of fido-blkd: $(tail -n 3 "$(log_of disk)")"
grep -q "volume v: .*make room" "$(log_of disk)" || fail "it does not say what to do: $(tail -n 3 "$(log_of disk)")"
[ "$(errors)" -gt 0 ] || fail "no request that failed is counted: $("$ctl" blk --group "$fido_group" --json)"

echo "+ with room again"
mount -o remount,size=32M "$folder"
perf_done writer --read-percent 0 --bs 64K --time 1
expect_eq "$(messages)" 1 "messages of fido-blkd: $(tail -n 3 "$(log_of disk)")"
stop disk
nothing_runs
