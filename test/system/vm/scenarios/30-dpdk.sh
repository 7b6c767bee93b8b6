# shellcheck shell=bash disable=SC2034,SC2154
# SPDX-License-Identifier: BSD-3-Clause
# Unmodified DPDK applications in virtual machines: what testpmd in gen sends reaches sink over
# fido-fwd in fwd, byte by byte, without a copy: sink reads gen's memory. Under load hardly a
# doorbell rings.
# shellcheck source=test/system/vm/dpdk.sh
. "$vm_bed/dpdk.sh"
# shellcheck source=test/system/bed/dpdk-chain.sh
. "$vm_bed/../bed/dpdk-chain.sh"
group=demo
vm_demo gen fwd sink
chain_of gen fwd sink
chain_contents
chain_load
chain_end
