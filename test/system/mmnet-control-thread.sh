#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Proves: the control thread runs on no core that an lcore polls on, where it might be delayed for
# long and links would not come up. This holds for ports of the command line and for those that are
# plugged later.
#
#	sink [pktcheck, polls on core 0], pmd [testpmd, lcores on core 0, a port by hot plug]
set -eu
# shellcheck source=test/system/mmnet.bash
. "$(dirname "$0")/mmnet.bash"
[ "$(nproc)" -gt 1 ] || skip "this machine has one core only"
need_hugepages 256

# cores NAME THREAD: the cores that it may run on
cores()
{
	local task
	for task in "/proc/${lib_pid[$1]}/task/"*; do
		[ "$(cat "$task/comm")" != "$2" ] || sed -n 's/^Cpus_allowed_list:[[:space:]]*//p' "$task/status"
	done
}

# off_lcores NAME COMM: the program's thread of that name
off_lcores()
{
	local control
	control=$(cores "$1" fido-control)
	echo "$1: $2 on $(cores "$1" "$2"), fido-control on $control, EAL's own on $(cores "$1" eal-intr-thread)"
	expect_eq "$(cores "$1" "$2")" 0 "$1: cores of its lcore"
	expect_eq "$control" "$(cores "$1" eal-intr-thread)" "$1: cores of the control threads"
	! [[ ,$control, =~ ,0[,-] ]] || fail "$1: the control thread may run on the lcore's core: $control"
}

pktcheck sink "$(on 0)" "$(dev 0 sink pmd)" -- --mode sink --timeout 0 --no-link-wait
up sink
off_lcores sink pktcheck
testpmd pmd "$(on2 0)" --vdev=net_null0 --
testpmd_cmd pmd "port attach $(dev 0 pmd sink | sed 's/^--vdev=//')" | matches 'is attached' || fail "no port by hot plug"
off_lcores pmd dpdk-testpmd
stop pmd
stop sink
