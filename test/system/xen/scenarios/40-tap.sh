# shellcheck shell=dash
# SPDX-License-Identifier: BSD-3-Clause
# Two guests' kernels talk by way of a third guest: ping, and a TCP transfer, checked.
#
#	domA: kernel - tap - fido-fwd ==> domC: fido-fwd ==> domB: fido-fwd - tap - kernel
#	      10.99.0.1               <==                <==                        10.99.0.2
# limit: 240
# shellcheck source=test/system/xen/guest/dpdk.sh
. /bed/dpdk.sh
group=tap
mib=4
need domA domB domC
on dom0 fido-group create $group 0 "$(domid domA)" "$(domid domB)" "$(domid domC)"

join_network() # GUEST ADDRESS
{
	on "$1" "until ip link set fido0 up 2>/dev/null; do usleep 100000; done; ip addr add $2/24 dev fido0"
}

# What was counted on both links, in both directions.
count()
{
	counters
	packets=$(total_of any any tx packets)
	copied=$(total_of any any any copied)
	bells=$(total_of any any any doorbells)
}

fwd domC mid "$(dev mid left 0) $(dev mid right 1) -- --pairs --idle adaptive"
fwd domA left "--vdev=net_tap0,iface=fido0 $(dev left mid 0) -- --map net_tap0:net_mmnet0,net_mmnet0:net_tap0 --idle adaptive --rxd 256"
fwd domB right "--vdev=net_tap0,iface=fido0 $(dev right mid 0) -- --map net_tap0:net_mmnet0,net_mmnet0:net_tap0 --idle adaptive --rxd 256"
on domA "dd if=/dev/urandom of=/tmp/sent bs=1M count=$mib 2>/dev/null"
# nc -l ends when its input does: give it one without an end.
bg domB server 'rm -f /run/quiet && mkfifo /run/quiet && exec 3<>/run/quiet && nc -l -p 5001 <&3 | md5sum'
join_network domA 10.99.0.1
join_network domB 10.99.0.2
connected 3 2
on domA 'ping -c 5 -W 5 10.99.0.2'
output domA | grep -q ' 0% packet loss' || fail "ping: $(output domA)"
on domA 'md5sum </tmp/sent'
sum=$(output domA)
count
packets_before=$packets copied_before=$copied bells_before=$bells
on domB 'until netstat -ltn | grep -q :5001; do usleep 100000; done'
from=$(up)
on domA 'nc 10.99.0.2 5001 </tmp/sent'
wait_bg domB server 60
to=$(up)
expect_eq "$(output domB)" "$sum" "what came is not what was sent"
count
packets=$((packets - packets_before)) bells=$((bells - bells_before))
say "TCP, $mib MiB: packets $packets seconds $(echo "$to $from" | awk '{ print $1 - $2 }') doorbells $bells" \
	"doorbells per packet $(echo "$bells $packets" | awk '{ printf "%.4f", $1 / $2 }') (on both links)"
expect_eq "$copied" "$copied_before" "packets copied"
for name in domA domB domC; do
	case $name in
	domA) job=left ;;
	domB) job=right ;;
	domC) job=mid ;;
	esac
	kill_bg $name "$job" INT
	wait_bg $name "$job" 20
done
on dom0 fido-group destroy $group
