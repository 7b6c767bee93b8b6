# shellcheck shell=dash
# SPDX-License-Identifier: BSD-3-Clause
# Two guests' kernels communicate over a third guest, by DPDK's net_tap: ping, and a checked TCP
# transfer, without a copy between the domains; and what it costs. 50-netfront compares that with
# Xen's own network.
#
#	domA: kernel - tap - fido-fwd ==> domC: fido-fwd ==> domB: fido-fwd - tap - kernel
#	      10.99.0.1               <==                <==                        10.99.0.2
# shellcheck source=test/system/xen/guest/dpdk.sh
. /bed/dpdk.sh
# shellcheck source=test/system/xen/guest/net.sh
. /bed/net.sh
# shellcheck source=test/system/bed/kernels.sh
. /bed/kernels.sh
group=tap
kernels_of domA domB
need domA domB domC
on dom0 fido-group create $group 0 "$(domid domA)" "$(domid domB)" "$(domid domC)"
kernels_join tap domC
kernels_measure net_measure tap fido0 domC
kernels_part domC
on dom0 fido-group destroy $group
