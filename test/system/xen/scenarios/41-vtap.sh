# shellcheck shell=dash
# SPDX-License-Identifier: BSD-3-Clause
# Two guests' kernels communicate by vtap ports, over a third guest and then directly: ping, and a
# checked TCP transfer, whose packets of up to 64 KiB cross the domains uncut and are not copied; and
# what it costs. 50-netfront compares that with Xen's own network.
#
#	domA: kernel - vtap - fido-fwd ==> domC: fido-fwd ==> domB: fido-fwd - vtap - kernel
#	      10.99.0.1                <==                <==                         10.99.0.2
#	domA: kernel - vtap - fido-fwd ==> domB: fido-fwd - vtap - kernel
#	                               <==
# shellcheck source=test/system/xen/guest/dpdk.sh
. /bed/dpdk.sh
# shellcheck source=test/system/xen/guest/net.sh
. /bed/net.sh
# shellcheck source=test/system/bed/kernels.sh
. /bed/kernels.sh
group=vtap
kernels_of domA domB
need domA domB domC
on dom0 fido-group create $group 0 "$(domid domA)" "$(domid domB)" "$(domid domC)"
for middle in domC none; do
	kernels_join vtap $middle --offload
	if [ $middle = none ]; then
		kernels_measure net_measure vtap2 fido0 dom0
	else
		kernels_measure net_measure vtap3 fido0 $middle
	fi
	kernels_part $middle
done
on dom0 fido-group destroy $group
