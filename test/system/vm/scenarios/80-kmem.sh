# shellcheck shell=bash disable=SC2034,SC2154
# SPDX-License-Identifier: BSD-3-Clause
# DPDK's own memory, not arenas: EAL's huge pages lie in the machine's file of RAM, and its peer
# reads every packet in place, in each memory mode of EAL. Huge pages elsewhere are copied once, and
# counted. Memory that was onlined as movable, in gen, and for the kernel, in fwd.
# shellcheck source=test/system/vm/dpdk.sh
. "$vm_bed/dpdk.sh"
group=kmem
vm_group kmem gen:ram=128M fwd:ram=128M -- --size 32M --slots-per-vm 1 --host 2
vm_start gen fwd
dev_options=
count=1000

# FROM TO KEY EAL...: testpmd in FROM, with these options for its memory, sends what pktcheck wrote to
# a file; pktcheck in TO finds it complete. KEY, zero_copy or copied, must count every packet.
send()
{
	local from=$1 to=$2 key=$3 other=copied eal
	shift 3
	[ "$key" != copied ] || other=zero_copy
	eal="--lcores 0@0,1@0 $* --no-pci --no-telemetry"
	testpmd "$from" tx "--vdev=net_pcap0,rx_pcap=/tmp/in.pcap --vdev=net_mmnet0,group=vm:$group,domain=tx,peer=rx,rx=zero --"
	bg "$to" rx "exec pktcheck $eal_fwd --vdev=net_mmnet0,group=vm:$group,domain=rx,peer=tx,hugepages=off,rx=zero,pools=arena -- \
		--mode sink --expect $count --mbufs 2048 --timeout 60"
	connected 2 1
	testpmd_cmd "$from" tx 'set fwd io retry' 'set burst tx delay 1000 retry 5000' start
	try_wait_bg "$to" rx 60 || fail "$*: rx: $(output "$to")"
	expect_eq "$(output "$to" | tail -n 1 | jq -r '"\(.rx_packets) \(.corrupt) \(.lost) \(.duplicate)"')" "$count 0 0 0" \
		"$*: packets, corrupt, lost, duplicate"
	counters
	expect_eq "$(total_of tx rx tx packets) $(total_of tx rx tx "$key") $(total_of tx rx tx $other)" "$count $count 0" \
		"$*: packets, $key, $other"
	testpmd_cmd "$from" tx stop quit
	wait_bg "$from" tx 20
	say "$from, EAL's $*: $count packets, all $key"
}

for name in gen fwd; do
	bg $name file "exec pktcheck -l 0 --no-huge -m 64 --no-pci --vdev=net_pcap0,tx_pcap=/tmp/in.pcap -- --mode gen --count $count \
		--size 60-1514 --random --mbufs 2048"
done
for name in gen fwd; do
	wait_bg $name file 60
done

# Before there is RAM of the group: huge pages of the machine's own memory.
on gen 'echo 34 >/proc/sys/vm/nr_hugepages'
send gen fwd copied --in-memory -m 64
on gen 'echo 0 >/proc/sys/vm/nr_hugepages'

# TEXT: what the doctor says of RAM in gen
doctor_says()
{
	vm_sh gen 'fido-ctl doctor --group vm:kmem' | matches "kmem ram: the file of RAM, dax[0-9.]*, $1" ||
		fail "the doctor does not say: $1"
}
doctor_says 'is not used as RAM'
on gen 'kmem.sh movable'
expect_eq "$(output gen)" "64 64" "pages of the RAM of gen, and huge pages"
doctor_says 'is RAM; there are 64 huge pages'
send gen fwd zero_copy --in-memory --socket-mem 64
send gen fwd zero_copy --legacy-mem -m 64
send gen fwd zero_copy --single-file-segments -m 64

on fwd 'kmem.sh kernel'
read -r pages reserved <"$lib_dir/fwd.out"
expect_eq "$pages" 64 "pages of the RAM of fwd"
say "fwd: $reserved huge pages of $pages"
send fwd gen zero_copy -m 64
