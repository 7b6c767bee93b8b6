# shellcheck shell=dash
# SPDX-License-Identifier: BSD-3-Clause
# Xen's own network between two guests, for comparison: ping, a TCP transfer, and what they cost; and Fido's figures for the
# same (40-tap), as a ratio to these, if it ran on this boot.
#
#   domA: eth0, netfront ---- dom0: netback, bridge, netback ---- netfront, eth0 :domB
# shellcheck source=test/system/xen/guest/net.sh
. /bed/net.sh
need domA domB
net_vifs
net_measure netfront eth0 dom0
net_compare tap netfront
