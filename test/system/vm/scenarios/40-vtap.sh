# shellcheck shell=bash disable=SC2034,SC2154
# SPDX-License-Identifier: BSD-3-Clause
# Two machines' kernels communicate by vtap ports, over a third machine: ping, and a checked TCP
# transfer, whose packets of up to 64 KiB cross the machines uncut and are not copied.
#
#	gen: kernel - vtap - fido-fwd ==> fwd: fido-fwd ==> sink: fido-fwd - vtap - kernel
#	     10.99.0.1                <==               <==                        10.99.0.2
# shellcheck source=test/system/vm/dpdk.sh
. "$vm_bed/dpdk.sh"
# shellcheck source=test/system/bed/kernels.sh
. "$vm_bed/../bed/kernels.sh"
# shellcheck source=test/system/bed/transfer.sh
. "$vm_bed/../bed/transfer.sh"
mib=8

transfer()
{
	transfer_prepare gen sink 10.99.0.2 $mib
	transfer_run
	transfer_check
}

group=demo
vm_demo gen fwd sink
for name in gen sink; do
	vm_sh $name 'load.sh tun'
done
kernels_of gen sink
kernels_join vtap fwd --offload
kernels_measure transfer
vm_say "ping $transfer_ping_ms ms, $mib MiB in $transfer_seconds s"
kernels_part fwd
