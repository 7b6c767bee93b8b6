# shellcheck shell=dash
# SPDX-License-Identifier: BSD-3-Clause
# Xen's own network between two guests, for comparison: ping, a TCP transfer, and what they cost;
# and Fido's figures for the same (40-tap, 41-vtap) relative to these, if they ran on this boot.
#
#   domA: eth0, netfront ---- dom0: netback, bridge, netback ---- netfront, eth0 :domB
# shellcheck disable=SC2154 # lib.sh sets $bed
# shellcheck source=test/system/xen/guest/net.sh
. /bed/net.sh
need domA domB
net_vifs
net_measure netfront eth0 dom0
for name in tap vtap3 vtap2; do
	net_compare $name netfront
done
# Compare what DPDK applications transfer over as many hops under load (30-dpdk) with TCP segments
# here.
if [ -e "$bed/net.load" ]; then
	tr ' ' '\n' <"$bed/net.netfront" | awk -F= -v "load=$(cat "$bed/net.load")" '$1 == "events_per_segment" {
		printf "DPDK at load : netfront: notifications per packet %s : %s = %.4f\n", load, $2, load / $2 }' >"$bed/net.ratio"
	say "$(cat "$bed/net.ratio")"
fi
