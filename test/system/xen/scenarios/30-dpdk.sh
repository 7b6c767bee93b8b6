# shellcheck shell=dash
# SPDX-License-Identifier: BSD-3-Clause
# Unmodified DPDK applications in guests: what testpmd in domA sends reaches domC over fido-fwd in
# domB, byte by byte, without a copy: domC reads domA's memory. Under load hardly a doorbell rings.
# shellcheck disable=SC2034,SC2154
# shellcheck source=test/system/xen/guest/dpdk.sh
. /bed/dpdk.sh
# shellcheck source=test/system/bed/dpdk-chain.sh
. /bed/dpdk-chain.sh
group=dpdk
need domA domB domC
on dom0 fido-group create $group 0 "$(domid domA)" "$(domid domB)" "$(domid domC)"
chain_of domA domB domC
chain_contents
chain_load
# For 50-netfront.
echo "$chain_doorbells $chain_packets" | awk '{ printf "%.5f\n", $1 / $2 }' >"$bed/net.load"
chain_end
on dom0 fido-group destroy $group
