# shellcheck shell=dash
# SPDX-License-Identifier: BSD-3-Clause
# Two guests' kernels communicate over a third guest: ping, and a checked TCP transfer, without a
# copy between the domains; and what it costs. 50-netfront compares that with Xen's own network.
#
#	domA: kernel - tap - fido-fwd ==> domC: fido-fwd ==> domB: fido-fwd - tap - kernel
#	      10.99.0.1               <==                <==                        10.99.0.2
# shellcheck source=test/system/xen/guest/dpdk.sh
. /bed/dpdk.sh
# shellcheck source=test/system/xen/guest/net.sh
. /bed/net.sh
group=tap
need domA domB domC
on dom0 fido-group create $group 0 "$(domid domA)" "$(domid domB)" "$(domid domC)"

end() # GUEST DOMAIN
{
	fwd "$1" fwd "--vdev=net_tap0,iface=fido0 $(dev "$2" mid 0) -- --map net_tap0:net_mmnet0,net_mmnet0:net_tap0 --idle adaptive --rxd 256"
}

address() # GUEST ADDRESS
{
	on "$1" "until ip link set fido0 up 2>/dev/null; do usleep 50000; done; ip addr add $2/24 dev fido0"
}

fwd domC fwd "$(dev mid left 0) $(dev mid right 1) -- --pairs --idle adaptive"
end domA left
end domB right
address domA 10.99.0.1
address domB 10.99.0.2
connected 3 2
# Packets sent before the memory was mapped were copied.
counters
copied=$(total_of any any any copied)
net_measure tap fido0 domC
counters
expect_eq "$(total_of any any any copied)" "$copied" "packets copied"
packets=$(total_of any any tx packets) bells=$(total_of any any any doorbells)
say "on both links since the start: $packets packets, $bells doorbells," \
	"$(echo "$bells $packets" | awk '{ printf "%.4f", $1 / $2 }') a packet"
for name in domA domB domC; do
	kill_bg $name fwd INT
	wait_bg $name fwd 20
done
on dom0 fido-group destroy $group
