# shellcheck shell=bash disable=SC2034,SC2154
# SPDX-License-Identifier: BSD-3-Clause
# fido-fwd on the host forwards between two virtual machines: what testpmd in gen sends reaches
# pktcheck in sink, byte by byte, without a copy: sink reads gen's memory.
# shellcheck source=test/system/vm/dpdk.sh
. "$vm_bed/dpdk.sh"
# shellcheck source=test/system/bed/dpdk-chain.sh
. "$vm_bed/../bed/dpdk-chain.sh"
group=demo
vm_demo gen sink
dpdk_host
chain_of gen host sink
chain_contents
testpmd_cmd gen gen quit
wait_bg gen gen 30
kill_bg host fwd INT
wait_bg host fwd 30
