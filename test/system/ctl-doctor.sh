#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Proves: fido-ctl doctor finds each thing that a host, a guest, a Xen domain or a container lacks,
# and prints the command that mends it; its exit status is 1 only if something needed is missing;
# its JSON says the same; it changes nothing, needs no root, and ends soon, also beside a daemon
# that hangs. The machines are trees of files (FIDO_DOCTOR_ROOT), but for the one it runs on.
set -eu -o pipefail
# Other users must reach the test's folder: those above $TMPDIR may be closed to them.
[ "$EUID" != 0 ] || export TMPDIR=/run
# shellcheck source=test/lib.sh
. "$(dirname "$0")/../lib.sh"
ctl=$FIDO_BUILD/apps/fido-ctl/fido-ctl
tree=$lib_dir/tree
export FIDO_RUNDIR=/run/fido
unset XDG_RUNTIME_DIR

# --- trees ---

# put PATH LINE...: a file of the tree
put()
{
	local path=$tree/$1
	shift
	mkdir -p "$(dirname "$path")"
	printf '%s\n' "$@" >"$path"
}

link()
{
	mkdir -p "$(dirname "$tree/$1")"
	ln -sfn "$2" "$tree/$1"
}

folder()
{
	mkdir -p "$@"
}

# A machine that lacks nothing.
whole()
{
	rm -rf "$tree"
	put /proc/cpuinfo 'processor	: 0' "flags		: fpu svm rdtscp constant_tsc nonstop_tsc $*"
	put /proc/self/limits \
		'Limit                     Soft Limit           Hard Limit           Units' \
		'Max locked memory         unlimited            unlimited            bytes' \
		'Max open files            4096                 4096                 files'
	put /proc/self/status 'Cpus_allowed_list:	0-3,8'
	put /proc/self/mounts 'none /dev/hugepages hugetlbfs rw,relatime,pagesize=2M 0 0'
	put /proc/self/cgroup '0::/'
	put /proc/sys/vm/max_map_count 65530
	put /proc/sys/kernel/osrelease 6.1.0-test
	put /proc/net/unix 'Num       RefCount Protocol Flags    Type St Inode Path'
	local pool=hugepages/hugepages-2048kB
	put /sys/kernel/mm/$pool/nr_hugepages 256
	put /sys/kernel/mm/$pool/resv_hugepages 0
	put /sys/devices/system/node/node0/$pool/nr_hugepages 128
	put /sys/devices/system/node/node0/$pool/free_hugepages 100
	put /sys/devices/system/node/node1/$pool/nr_hugepages 128
	put /sys/devices/system/node/node1/$pool/free_hugepages 128
	folder "$tree/run/fido" "$tree/dev/hugepages"
	put /dev/kvm
	put /usr/bin/qemu-system-x86_64 '#!/bin/sh' 'echo "nvdimm options:"'
	chmod +x "$tree/usr/bin/qemu-system-x86_64"
}

# The files of slots 0 to 3 of group lab, of 10 MiB, with the header that fido-vmd writes.
python3 -c '
import struct, sys
size, tag = 10 << 20, 0xcbf29ce484222325
for c in b"lab":
    tag = (tag ^ c) * 0x100000001b3 & 0xffffffffffffffff
for slot in range(4):
    uuid = bytearray(struct.pack("<Q", tag) + b"fido-vm" + bytes([slot]))
    uuid[6] = 0x80 | uuid[6] & 0x0f
    uuid[8] = 0x80 | uuid[8] & 0x3f
    block = bytearray(4096)
    struct.pack_into("<16s16s16xIHHQQIIIIIH", block, 0, b"NVDIMM_DAX_INFO", bytes(uuid), 0, 1, 4, 2 << 20,
        (size - (2 << 20)) // 4096, 1, 0, 0, 2 << 20, 4096, 64)
    low = high = 0
    for word in struct.unpack("<1024I", block):
        low = (low + word) & 0xffffffff
        high = (high + low) & 0xffffffffffffffff
    struct.pack_into("<Q", block, 4088, (high << 32 | low) & 0xffffffffffffffff)
    with open(f"{sys.argv[1]}/slot.{slot}", "wb") as f:
        f.write(bytes(4096) + block)
        f.truncate(size)' "$lib_dir"

host()
{
	whole
	local dir=$tree/run/fido/vm.lab slot
	put /run/fido/vm.lab/group.json '{}'
	for slot in 0 1 2 3; do
		cp "$lib_dir/slot.$slot" "$lib_dir/mem.$slot"
		ln -sfn "$lib_dir/mem.$slot" "$dir/slot.$slot.mem"
	done
	link /run/fido/vm.lab/gen.qmp gen.vm/qmp
	put /proc/net/unix '0000: 00000002 00000000 00010000 0001 01 1234 /run/fido/vm.lab/gen.vm/qmp'
	put /usr/sbin/fido-vmd
	chmod +x "$tree/usr/sbin/fido-vmd"
}

# Slots 4 and 5 are this machine's, 0 another's. Numbers of devices say nothing.
guest()
{
	whole hypervisor
	local i driver
	for i in 4 5; do
		put /sys/class/virtio-ports/vport2p$i/name fido.lab.$i
		put /sys/kernel/debug/virtio-ports/vport2p$i "name: fido.lab.$i" "guest_connected: 0" "host_connected: 1"
		put /dev/vport2p$i
	done
	put /sys/class/virtio-ports/vport2p1/name org.qemu.guest_agent.0
	nvdimm 7 1 0
	nvdimm 1 0 4
	nvdimm 2 2 5
	for driver in virtio/drivers/virtio_console acpi/drivers/nfit nd/drivers/nd_pmem nd/drivers/dax_pmem dax/drivers/device_dax \
		dax/drivers/kmem; do
		folder "$tree/sys/bus/$driver"
	done
	put /lib/modules/6.1.0-test/modules.dep kernel/drivers/{virtio_console,nfit,nd_pmem,dax_pmem,device_dax,kmem,vfio-pci}.ko:
	put /proc/77/comm fido-fwd
	link /proc/77/fd/9 /dev/vport2p4
}

# SLOT: the uuid of its file in group lab
uuid()
{
	python3 -c '
import struct, sys, uuid
h = 0xcbf29ce484222325
for c in b"lab":
    h = (h ^ c) * 0x100000001b3 & 0xffffffffffffffff
b = bytearray(struct.pack("<Q", h) + b"fido-vm" + bytes([int(sys.argv[1])]))
b[6] = 0x80 | b[6] & 0x0f
b[8] = 0x80 | b[8] & 0x3f
print(uuid.UUID(bytes=bytes(b)))' "$1"
}

# nvdimm REGION NMEM SLOT
nvdimm()
{
	put "/sys/bus/nd/devices/nmem$2/nfit/handle" "$(printf '0x%x' $(($3 + 1)))"
	put "/sys/bus/nd/devices/region$1/mapping0" "nmem$2,0,1073741824,0"
	folder "$tree/sys/bus/dax/devices/dax$1.0"
	put "/dev/dax$1.0"
}

xen()
{
	whole hypervisor
	put /sys/hypervisor/type xen
	put /proc/xen/capabilities "$@"
	put /dev/xen/xenbus
	put /dev/xen/evtchn
	put /dev/xen/gntdev
	put /dev/xen/gntalloc
	put /dev/xen/fido-grant
}

container()
{
	whole
	put /.dockerenv
	put /proc/self/cgroup 4:cpu,memory:/pod/a 3:hugetlb:/pod/a 0::/
	put /sys/fs/cgroup/memory/memory.limit_in_bytes 9223372036854771712
	put /sys/fs/cgroup/hugetlb/hugetlb.2MB.limit_in_bytes 9223372036854771712
}

# --- what it says ---

as=() # as another user

doctor()
{
	status=0
	out=$(FIDO_DOCTOR_ROOT=$tree timeout 30 ${as[@]+"${as[@]}"} "$ctl" doctor "$@" 2>&1) || status=$?
}

# says STATUS LINE: with that status of exit and a line that matches the extended expression, whole
says()
{
	grep -qxE -- "$2" <<<"$out" || fail "no line '$2' in:
$out"
	expect_eq "$status" "$1" "exit status; it says:
$out"
}

# clean: nothing is missing
clean()
{
	doctor
	! grep -v '^ok ' <<<"$out" || fail "something is missing on a machine that lacks nothing"
	expect_eq "$status" 0 "exit status: $out"
}

# lacks STATUS MACHINE CHANGE LINE [ARG...]: the machine after that change of its tree
lacks()
{
	local want=$1 machine=$2 change=$3 line=$4
	shift 4
	echo "+ $machine: $change"
	$machine
	(cd "$tree" && eval "$change")
	doctor "$@"
	says "$want" "$line"
}

echo "--- any machine"
whole
clean
# It writes nothing.
before=$(find "$tree" | sort | md5sum)
doctor --json
expect_eq "$(find "$tree" | sort | md5sum)" "$before" "files of the tree"
lacks 0 whole 'rm -r proc/self' 'note  proc: .* -> mount -t proc .*'
lacks 1 whole 'sed -i s/rdtscp// proc/cpuinfo' 'fail  clock: .*RDTSCP.* -> .*-cpu host.*'
lacks 0 whole 'sed -i s/nonstop_tsc// proc/cpuinfo' 'note  clock: .*invariant.*'
lacks 0 whole 'echo "Cpus_allowed_list:	2" >proc/self/status' 'note  processors: .* -> fido-fwd --idle adaptive'
lacks 0 whole 'sed -i "/open files/s/4096/512/" proc/self/limits' 'note  open-files: .* -> ulimit -n .*'
lacks 1 whole 'sed -i "/open files/s/4096/32/" proc/self/limits' 'fail  open-files: .* -> ulimit -n .*'
lacks 0 whole 'echo 1000 >proc/sys/vm/max_map_count' 'note  mappings: .* -> sysctl -w vm.max_map_count=.*'
lacks 0 whole 'rm -r sys/kernel/mm/hugepages' 'note  hugepages: .* -> hugepages=off.*'
lacks 0 whole 'echo 228 >sys/kernel/mm/hugepages/*/resv_hugepages' 'note  hugepages: no huge page .* -> echo [0-9]+ > /proc/sys/vm/nr_hugepages'
lacks 0 whole 'echo 0 | tee sys/devices/system/node/node1/*/*/*_hugepages' \
	'note  hugepages: .*none is on node 1.* -> echo 512 > /sys/devices/system/node/node1/.*/nr_hugepages'
lacks 0 whole ': >proc/self/mounts' 'note  hugetlbfs: .* -> .*mount -t hugetlbfs .*'
lacks 1 whole 'rmdir run/fido; : >run/fido' 'fail  folder: /run/fido is no folder -> export FIDO_RUNDIR=.*'
lacks 1 whole 'rm -r run' 'fail  folder: .* -> mkdir -p /run/fido'
lacks 0 whole 'rmdir run/fido' 'ok    folder: .*the first domain makes it'
lacks 0 whole 'rm dev/kvm' 'note  kvm: .* -> modprobe kvm_amd'
lacks 0 whole 'rm dev/kvm; sed -i s/svm// proc/cpuinfo' 'note  kvm: .*firmware'
lacks 0 whole 'rm usr/bin/qemu*' 'note  qemu: .* -> apt-get install qemu-system-x86'
lacks 0 whole 'echo "#!/bin/sh" >usr/bin/qemu-system-x86_64' 'note  qemu: .*has no device nvdimm -> .*'
echo "--- QEMU that hangs"
lacks 0 whole 'printf "#!/bin/sh\nexec sleep 60\n" >usr/bin/qemu-system-x86_64' 'note  qemu: .*does not answer -> .*'

echo "--- a container"
container
clean
lacks 0 container 'echo 2097152 | tee sys/fs/cgroup/hugetlb/hugetlb.2MB.{limit,usage}_in_bytes' \
	'note  hugepages-limit: .*container.* -> raise hugepages-2Mi .*'
lacks 0 container 'echo 100000000 >sys/fs/cgroup/memory/memory.limit_in_bytes' 'note  memory-limit: 95 MiB .* -> .*docker: -m.*'
# shellcheck disable=SC2016 # for eval
lacks 0 container 'echo 0::/a/b >proc/self/cgroup; mkdir -p sys/fs/cgroup/a/b; echo 4194304 >sys/fs/cgroup/a/hugetlb.2MB.max
	echo max >sys/fs/cgroup/a/b/hugetlb.2MB.max; echo 4194304 >sys/fs/cgroup/a/hugetlb.2MB.current' 'note  hugepages-limit: .*'
lacks 0 container 'rm -r proc/self' 'note  proc: .* -> give the container /proc'
lacks 0 container ': >proc/self/mounts' 'note  hugetlbfs: .* -> give the container hugetlbfs.*'

echo "--- the host of a group of virtual machines, without fido-vmd"
lacks 1 host : 'fail  vm:lab fido-vmd: .* -> systemctl start fido-vmd .*'
says 1 'ok    groups: vm:lab'
says 1 'ok    vm:lab memory: the memory of slots 0-3 is there'
says 1 'ok    vm:lab headers: .*'
says 1 'ok    vm:lab machines: machines run: gen'
lacks 1 host 'rm usr/sbin/fido-vmd' 'fail  vm:lab fido-vmd: .* -> apt-get install fido-vmd'
lacks 1 host 'ln -sfn /nowhere run/fido/vm.lab/slot.2.mem' 'fail  vm:lab memory: the memory of slot 2 is gone -> fido-vmd destroy lab .*'
# shellcheck disable=SC2016 # for eval
lacks 1 host 'printf x | dd conv=notrunc bs=1 seek=4200 of=run/fido/vm.lab/slot.1.mem status=none' \
	'fail  vm:lab headers: the header of slot 1 is damaged.* -> systemctl restart fido-vmd .*'
lacks 1 host 'truncate -s 12M run/fido/vm.lab/slot.1.mem' 'fail  vm:lab headers: the header of slot 1 is damaged.*'
lacks 1 host 'ln -sfn slot.0.mem run/fido/vm.lab/slot.3.mem' 'fail  vm:lab headers: the header of slot 3 .*'
lacks 1 host 'rm run/fido/vm.lab/slot.*; mkfifo run/fido/vm.lab/slot.0.mem' 'fail  vm:lab headers: .*'
lacks 1 host ': >proc/net/unix' 'note  vm:lab machines: .*: gen: .* -> .*fido-vmd args lab --vm gen .*' --group vm:lab
lacks 1 whole : 'fail  group: group vm:lab is not here: .* -> fido-vmd create lab --vm .*' --group vm:lab

echo "--- a fido-vmd that hangs"
host
start hang python3 -c 'import socket, sys, time
s = socket.socket(socket.AF_UNIX)
s.bind(sys.argv[1])
s.listen()
print("ready", flush=True)
time.sleep(60)' "$tree/run/fido/vm.lab/host.sock"
wait_for 10 "grep -q ready '$(log_of hang)'" || fail "no socket"
begin=$SECONDS
doctor
says 1 'fail  vm:lab fido-vmd: fido-vmd does not answer -> systemctl restart fido-vmd'
expect_ge 10 $((SECONDS - begin)) "seconds beside a daemon that hangs, at most"
kill_hard hang

echo "--- a guest"
guest
clean
says 0 'ok    vm:lab free-slots: free: slot 5; in use: slot 4 by fido-fwd \(77\)'
says 0 "ok    vm:lab others-memory: the memory of others' slot 0 can be read"
for driver in virtio_console nfit nd_pmem dax_pmem device_dax; do
	lacks 1 guest "rmdir sys/bus/*/drivers/$driver" "fail  vm:lab ${driver//_/-}: .* -> modprobe $driver"
done
lacks 0 guest 'rmdir sys/bus/dax/drivers/kmem' 'note  vm:lab kmem: .* -> modprobe kmem'
lacks 1 guest 'rmdir sys/bus/acpi/drivers/nfit; sed -i /nfit/d lib/modules/*/modules.dep' 'fail  vm:lab nfit: .* -> apt-get install linux-image-amd64 .*'
lacks 1 guest 'sed -i s/host_connected.*/host_connected:\ 0/ sys/kernel/debug/virtio-ports/vport2p5' \
	'fail  vm:lab ports: nobody is at .* of slot 5: .* -> systemctl start fido-vmd .*'
lacks 0 guest 'ln -s /dev/vport2p5 proc/77/fd/10' 'note  vm:lab free-slots: all slots .* -> .*--slots-per-vm'
lacks 1 guest 'rm -r sys/bus/nd/devices/nmem2' 'fail  vm:lab own-memory: there is no NVDIMM for slot 5 -> fido-vmd args lab .*'
lacks 1 guest 'rmdir sys/bus/dax/devices/dax1.0' 'fail  vm:lab own-memory: .* slot 4 is no device .*header.* -> reboot'
lacks 1 guest 'mkdir sys/bus/dax/drivers/kmem/dax1.0' 'fail  vm:lab own-memory: .*slot 4 is used as RAM.* -> echo dax1.0 > .*kmem/unbind; echo dax1.0 > .*'
lacks 1 guest 'rmdir sys/bus/dax/devices/dax7.0' "fail  vm:lab others-memory: .* slot 0 is no device .* -> reboot"
lacks 0 guest 'rm -r sys/bus/nd/devices/{nmem1,region7} sys/bus/dax/devices/dax7.0' 'note  vm:lab others-memory: no memory .* -> fido-vmd args lab .*'
lacks 0 guest 'mkdir sys/bus/dax/devices/dax9.0' "note  vm:lab others-memory: 1 devices .* not the group's.* -> .*"
# Slot 1 as virtio-pmem: its uuid names it.
lacks 0 guest 'mkdir -p sys/devices/dax9.1/dax9.0; ln -s ../../../devices/dax9.1/dax9.0 sys/bus/dax/devices/dax9.0; touch dev/dax9.0
	echo '"$(uuid 1)"' >sys/devices/dax9.1/uuid' "ok    vm:lab others-memory: the memory of others' slots 0-1 can be read"
ram='nvdimm 8 3 64; echo 0 >sys/bus/nd/devices/region8/read_only'
lacks 0 guest : 'ok    vm:lab ram: this machine has no file of RAM.*'
lacks 0 guest "$ram" 'note  vm:lab ram: the file of RAM, dax8.0, is not used .* -> modprobe kmem; .*new_id'
lacks 0 guest "$ram; echo 1 >sys/bus/nd/devices/region8/read_only" 'ok    vm:lab ram: this machine has no file of RAM.*'
lacks 0 guest "$ram; mkdir sys/bus/dax/drivers/kmem/dax8.0" 'ok    vm:lab ram: .*dax8.0, is RAM; there are [0-9]* huge pages'
lacks 0 guest "$ram; mkdir sys/bus/dax/drivers/kmem/dax8.0; echo 0 >sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages" \
	'note  vm:lab ram: .* no huge pages .* -> echo N > .*nr_hugepages'
lacks 1 guest : 'fail  group: group vm:other is not here: .* -> fido-vmd args other .*' --group vm:other
lacks 1 guest 'rmdir sys/bus/virtio/drivers/virtio_console' 'fail  virtio-console: .* -> modprobe virtio_console' --group vm:other
ivshmem='mkdir -p sys/bus/pci/devices/0; echo 0x1af4 >sys/bus/pci/devices/0/vendor; echo 0x1110 >sys/bus/pci/devices/0/device
	printf "0x%x 0x%x 0x0\n" 4096 4351 8192 12287 >sys/bus/pci/devices/0/resource'
lacks 0 guest "$ivshmem" 'note  vm:lab doorbells: .*no IOMMU.* -> .*intel_iommu=on.*'
lacks 0 guest "$ivshmem; printf '0x1000 0x10ff 0x0\n0x0 0x0 0x0\n' >sys/bus/pci/devices/0/resource" \
	'ok    vm:lab doorbells: .*no ivshmem device'
lacks 0 guest "$ivshmem; mkdir -p sys/kernel/iommu_groups/0" 'note  vm:lab doorbells: .* -> modprobe vfio-pci'

echo "--- Xen"
xen
clean
lacks 0 xen 'rm dev/xen/gntdev' 'note  xen-gntdev: .* -> modprobe xen-gntdev'
for module in evtchn gntdev gntalloc; do
	lacks 1 xen "rm dev/xen/$module" "fail  xen:lab xen-$module: .* -> modprobe xen-$module.*" --group xen:lab
done
lacks 1 xen 'rm dev/xen/xenbus' 'fail  xen:lab xenstore: .* -> .*mount -t xenfs xenfs /proc/xen' --group xen:lab
lacks 0 xen 'rm dev/xen/fido-grant' 'note  xen:lab fido-grant: .* -> .*insmod .*fido-grant.ko' --group xen:lab
lacks 1 whole : 'fail  xen:lab xen: this is no Xen domain.*' --group xen:lab
xen control_d
doctor
says 0 "ok    machine: Xen's dom0.*"

echo "--- a group of this machine"
lacks 1 whole : "fail  lab group: .* -> .*--vdev=net_mmnet0,group=lab,.*" --group lab
whole
FIDO_RUNDIR=$tree/run/fido start disk "$FIDO_BUILD/apps/fido-blkd/fido-blkd" --group lab --domain disk --hugepages off --volume v=mem:1M
wait_for 20 "[ -S '$tree/run/fido/lab/disk.sock' ]" || fail "$(tail -n 5 "$(log_of disk)")"
doctor --group host:lab
says 0 'ok    host:lab group: group host:lab is there: disk'
doctor
says 0 'ok    groups: lab'
stop disk

echo "--- JSON says the same"
lacks 1 guest 'rmdir sys/bus/dax/drivers/kmem sys/bus/acpi/drivers/nfit' 'note  .*'
text=$(sed -E 's/^(ok|note|fail) +//; s/: .*//' <<<"$out")
doctor --json
expect_eq "$status" 1 "exit status with --json"
jq -e '.command == "doctor" and .group == null and .notes == 1 and .failures == 1' <<<"$out" >/dev/null || fail "$out"
expect_eq "$(jq -r '.checks[] | (if .scope then .scope + " " else "" end) + .check' <<<"$out")" "$text" "checks"
jq -e '.checks[] | select(.check == "nfit") | .status == "fail" and .scope == "vm:lab" and .command == "modprobe nfit"' <<<"$out" >/dev/null ||
	fail "$out"
doctor --json --group vm:lab
jq -e '.group == "vm:lab"' <<<"$out" >/dev/null || fail "$out"

echo "--- names of any characters"
whole
put "/run/fido/vm.$(printf 'a\033[2J"b')/group.json"
doctor
! grep -q "[[:cntrl:]]" <<<"${out//$'\n'/}" || fail "control characters"
doctor --json
jq -e . <<<"$out" >/dev/null || fail "$out"

echo "--- wrong usage"
for args in "--rates" "--domain a" "--count 2" "--gid 0" "lab"; do
	# shellcheck disable=SC2086 # several words
	doctor $args
	expect_eq "$status" 2 "exit status of doctor $args: $out"
done

if [ "$(id -u)" = 0 ]; then
	echo "--- another user than root"
	cp "$ctl" "$lib_dir/fido-ctl"
	chmod 755 "$lib_dir" "$lib_dir/fido-ctl"
	ctl=$lib_dir/fido-ctl
	as=(setpriv --reuid=65534 --regid=65534 --clear-groups)
	guest
	chmod 600 "$tree"/dev/vport2p5 "$tree"/dev/dax2.0 "$tree"/dev/dax7.0
	doctor
	says 1 'fail  vm:lab ports: the ports of slots? .* are not for this user -> run it as root.*'
	says 1 'fail  vm:lab own-memory: the memory of slots? .* is not for this user -> run it as root.*'
	says 1 "fail  vm:lab others-memory: the memory of others' slot 0 is not for this user -> run it as root.*"
	host
	chmod 700 "$tree/run/fido/vm.lab"
	doctor --group vm:lab
	says 1 'fail  vm:lab fido-vmd: .* is not for this user -> .*'
	says 1 'fail  vm:lab memory: .*needs root -> sudo fido-ctl doctor --group vm:lab'
	whole
	chmod 700 "$tree/run/fido"
	doctor
	says 1 'fail  folder: /run/fido is not for this user -> export FIDO_RUNDIR=.*'
	chmod 755 "$tree/run/fido"
	doctor
	says 0 'note  folder: .* -> sudo fido-ctl create GROUP --gid NAME'
	sed -i '/locked/s/unlimited/65536    /' "$tree/proc/self/limits"
	doctor
	says 0 'note  locked-memory: 64 KiB .* -> ulimit -l unlimited'
	xen
	chmod 600 "$tree"/dev/xen/*
	doctor --group xen:lab
	says 1 'fail  xen:lab xenstore: .*needs root -> run Fido as root'
	says 1 'fail  xen:lab xen-gntdev: .* -> run Fido as root'
	as=()
fi

echo "--- this machine"
unset FIDO_RUNDIR
begin=$(date +%s%N)
users=("")
[ "$(id -u)" != 0 ] || users+=(--reuid=65534)
for user in "${users[@]}"; do
	status=0
	${user:+setpriv $user --regid=65534 --clear-groups} "$ctl" doctor || status=$?
	expect_ge 1 "$status" "exit status, at most"
done
expect_ge 10000 $((($(date +%s%N) - begin) / 1000000)) "ms that it takes, at most"
