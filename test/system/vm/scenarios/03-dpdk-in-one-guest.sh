# shellcheck shell=bash disable=SC2034,SC2154
# SPDX-License-Identifier: BSD-3-Clause
# Unmodified testpmd runs in a guest, and sends by an mmnet port to another process of that guest:
# every byte arrives. Other guests have no part in it.
# shellcheck source=test/system/vm/dpdk.sh
. "$vm_bed/dpdk.sh"
vm_demo gen
count=2000
# NAME PEER
port()
{
	echo "--vdev=net_mmnet0,group=local,domain=$1,peer=$2,hugepages=off,rx=zero"
}

on gen "pktcheck -l 0 --no-huge -m 64 --no-pci --vdev=net_pcap0,tx_pcap=/tmp/in.pcap -- --mode gen --count $count \
	--size 60-1514 --random --mbufs 2048"
testpmd gen gen "--vdev=net_pcap0,rx_pcap=/tmp/in.pcap $(port gen sink) --"
bg gen sink "exec pktcheck $eal_fwd --file-prefix sink $(port sink gen) -- --mode sink --expect $count --mbufs 2048 --timeout 100"
vm_await gen gen 20 'testpmd>'
testpmd_cmd gen gen 'set fwd io retry' 'set burst tx delay 1000 retry 5000' start
wait_bg gen sink 60
expect_eq "$(output gen | tail -n 1 | jq -r '"\(.rx_packets) \(.corrupt) \(.lost) \(.duplicate)"')" "$count 0 0 0" \
	"packets, corrupt, lost, duplicate"
testpmd_cmd gen gen stop quit
wait_bg gen gen 20
on gen 'rm /tmp/in.pcap'
# What other scenarios load.
on gen 'load.sh tun fuse loop ext4 kmem vfio-pci vfio_iommu_type1 virtio_net && [ -c /dev/net/tun ] && [ -c /dev/fuse ] &&
	[ -b /dev/loop0 ] && grep -q ext4 /proc/filesystems && grep -q hugetlbfs /proc/mounts'
