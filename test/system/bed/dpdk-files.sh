# shellcheck shell=bash
# SPDX-License-Identifier: BSD-3-Clause
# Files that guests need to run DPDK; sourced by image.sh, whose addbin and add_libgcc it uses.
# shellcheck disable=SC2154

# Debian's EAL loads all drivers of this folder, except bus_vdev: the programs are linked with it,
# and a second copy would register a second bus.
dpdk_drivers=/usr/lib/x86_64-linux-gnu/dpdk/pmds-23.0
dpdk_plugins=(mempool_ring net_pcap net_tap)

add_dpdk()
{
	local name
	addbin "$(command -v dpdk-testpmd)" bin/dpdk-testpmd
	addbin "$FIDO_BUILD/apps/fido-fwd/fido-fwd" bin/fido-fwd
	addbin "$FIDO_BUILD/test/system/helpers/pktcheck" bin/pktcheck
	for name in "${dpdk_plugins[@]}"; do
		addbin "$dpdk_drivers/librte_$name.so" "${dpdk_drivers#/}/librte_$name.so"
	done
	addbin "$FIDO_BUILD/drivers/net/mmnet_pmd/librte_net_mmnet.so" "${dpdk_drivers#/}/librte_net_mmnet.so"
	addbin "$FIDO_BUILD/drivers/net/vtap_pmd/librte_net_vtap.so" "${dpdk_drivers#/}/librte_net_vtap.so"
	add_libgcc
	# The programs print JSON.
	addbin "$(command -v jq)" bin/jq
}
