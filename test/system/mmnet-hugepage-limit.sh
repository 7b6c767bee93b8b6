#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Proves: in a container whose limit of hugepages (hugepages-2Mi of Kubernetes, a hugetlb control
# group) leaves none for arenas, these get ordinary pages and a warning that says what to raise; no
# process dies from a missing page.
#
#	gen (limited) ==> check          a limited domain sends from its arena
#	gen ==> check (limited)          a limited domain receives by it
#	client ==> disk (limited)        a volume of memory, and buffers
set -eu
# shellcheck source=test/system/mmnet.bash
. "$(dirname "$0")/mmnet.bash"
need_hugepages 256
count=20000
eal_memory=(--in-memory -m 64)
limit_mb=66

# Find the controller: in version 2's tree, or in one of version 1, which is mounted here.
if grep -qw hugetlb /sys/fs/cgroup/cgroup.controllers 2>/dev/null; then
	cg=/sys/fs/cgroup
	home=$cg$(sed -n 's/^0:://p' /proc/self/cgroup)
	echo +hugetlb >$cg/cgroup.subtree_control
	limit=hugetlb.2MB.max
else
	cg=$lib_dir/hugetlb
	mkdir "$cg"
	mount -t cgroup -o hugetlb none "$cg" || skip "no hugetlb control groups: $(grep -c hugetlb /proc/cgroups || true)"
	at_exit "umount '$cg'"
	home=$cg
	limit=hugetlb.2MB.limit_in_bytes
fi
box=$cg/$fido_group
mkdir "$box"
at_exit "wait_for 5 'rmdir $box 2>/dev/null'"
echo $((limit_mb << 20)) >"$box/$limit"

# limited COMMAND...: run it; what it starts is in the container
limited()
{
	echo $BASHPID >"$box/cgroup.procs"
	"$@"
	echo $BASHPID >"$home/cgroup.procs"
}

warned()
{
	grep -aq "ordinary pages.*hugepages-2Mi" "$(log_of "$1")" || fail "$1 has not been warned: $(head -n 5 "$(log_of "$1")")"
}

received()
{
	finish gen 40
	finish check 20
	expect_received check $count
	expect_stat gen 0 tx_error_completions 0
}

echo "--- the sender is limited"
pktcheck check "$(on 1)" "$(dev 0 check gen)" -- --mode sink --expect $count --size 60-9000
limited pktcheck gen "$(on 0)" "$(dev 0 gen check arena=16M heap=off)" -- --mode gen --count $count --size 60-1514
received
warned gen

echo "--- the receiver is limited"
limited pktcheck check "$(on 1)" "$(dev 0 check gen arena=16M rx=copy)" -- --mode sink --expect $count
pktcheck gen "$(on 0)" "$(dev 0 gen check)" -- --mode gen --count $count --size 60-1514
received
warned check

echo "--- a block backend is limited"
limited blkd disk --volume v=mem:128M
warned disk
echo_run "$FIDO_BUILD/apps/fido-blk-perf/fido-blk-perf" --group "$fido_group" --backend disk --volume v --read-percent 0 \
	--bs 64k --depth 4 --time 1
stop disk
