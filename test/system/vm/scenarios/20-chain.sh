# shellcheck shell=bash disable=SC2034,SC2154
# SPDX-License-Identifier: BSD-3-Clause
# Three machines in a chain, libfido alone: sink reads gen's memory, forwarded by fwd; no packet
# arrives damaged or twice or is overwritten while being read, and in the end every buffer is back.
# 50-life does the same while machines are killed.
# shellcheck source=test/system/vm/chain.sh
. "$vm_bed/chain.sh"
vm_demo gen fwd sink

for name in gen fwd sink; do
	chain_start $name
done
chain_flows
chain_drain
