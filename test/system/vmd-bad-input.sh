#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Proves: groups are created, listed and destroyed; what cannot be done is refused with a message that
# says what was tried, why it failed and what to do, with an exit status other than 0, and leaves
# nothing behind.
#
# No hugepages, no virtual machine.
# shellcheck source=test/system/vmd.bash
. "$(dirname "$0")/vmd.bash"

nothing_is_left()
{
	[ -z "$(find "$FIDO_RUNDIR" "$memory" -mindepth 1)" ] ||
		fail "left behind: $(find "$FIDO_RUNDIR" "$memory" -mindepth 1)"
}

echo "--- usage"
vmd_says 0 "usage: fido-vmd create GROUP" --help
vmd_says 0 "fido-vmd 0." --version
vmd_says 2 "no command: give one of create, destroy, serve, args, list, plug"
vmd_says 2 "unknown command 'make'" make
vmd_says 2 "the command comes first" --json list
vmd_says 2 "'--wrong': is unknown" list --wrong
vmd_says 2 "'--vm': needs a value" create "$group" --vm
vmd_says 2 "no group: name the group" create --vm gen
vmd_says 2 "extra argument 'b': name one group" destroy a b
vmd_says 2 "group 'a/b': a name is 1 to 31" destroy a/b
vmd_says 2 "'list': this command does not take it" list --force
vmd_says 2 "no machine: give --vm NAME" create "$group"
vmd_says 2 "--vm '.gen': a name is 1 to 31" create "$group" --vm .gen
vmd_says 2 "--vm 'host': that is the host's name" create "$group" --vm host
vmd_says 2 "--vm 'gen': give each machine a name of its own" create "$group" --vm gen --vm gen
vmd_says 2 "--vm: slots '0': give a number from 1 to 64" create "$group" --vm gen:slots=0
vmd_says 2 "--vm: user 'nobody-at-all': there is no such user" create "$group" --vm gen:user=nobody-at-all
vmd_says 2 "--vm 'color=red': give NAME[:slots=N][:user=USER][:ram=SIZE]" create "$group" --vm gen:color=red
vmd_says 2 "--vm: ram '100M': give a multiple of 128M" create "$group" --vm gen:ram=100M
vmd_says 2 "--vm: ram '0': give a multiple of 128M" create "$group" --vm gen:ram=0
vmd_says 2 "--vm: ram '1X': give a multiple of 128M" create "$group" --vm gen:ram=1X
vmd_says 2 "--host '65': give a number from 0 to 64" create "$group" --vm gen --host 65
vmd_says 2 "too many or too few slots: a group has 2 to 64" create "$group" --vm gen --vm mid:slots=61
vmd_says 2 "too many or too few slots: a group has 2 to 64" create "$group" --vm gen:slots=64 --host 1
vmd_says 2 "too many or too few slots" create "$group" --vm gen:slots=1 --host 0
vmd_says 2 "--size '5M': give a multiple of 2M, at least 8M" create "$group" --vm gen --size 5M
vmd_says 2 "--size '99999999999999G'" create "$group" --vm gen --size 99999999999999G
vmd_says 2 "--size: it is more than a slot has" create "$group" --vm gen --size 32M --slot-shift 24
vmd_says 2 "--slot-shift: the slots end beyond 48 bits" create "$group" --vm gen --slot-shift 47
vmd_says 2 "--base '4097': give a multiple of 2 MiB" create "$group" --vm gen --base 4097
vmd_says 2 "--memory 'here': give the absolute path" create "$group" --vm gen --memory here
vmd_says 2 "--gid 'no-such-group': there is no such group" create "$group" --vm gen --gid no-such-group
vmd_says 2 "give --gid, a Unix group with all of these users" create "$group" --vm a:user=1 --vm b:user=2
vmd_says 2 "which machine: give --vm NAME" args "$group"
vmd_says 2 "--format 'xml': give qemu, qmp, libvirt or firecracker" args "$group" --vm gen --format xml
vmd_says 2 "--memory-device 'dimm': give nvdimm or virtio-pmem" args "$group" --vm gen --memory-device dimm
vmd_says 2 "--memory-device: it is for the format qemu only" args "$group" --vm gen --memory-device virtio-pmem \
	--format libvirt
vmd_says 2 "which QEMU: give --qmp SOCKET" plug "$group" --vm gen
nothing_is_left

echo "--- no room"
mkdir "$lib_dir/small"
if mount -t tmpfs -o size=20M tmpfs "$lib_dir/small" 2>/dev/null; then
	before_exit "umount '$lib_dir/small'"
	vmd_says 1 "no room in $lib_dir/small for 5 slots: need 50 MiB, have 20 MiB" \
		create "$group" --vm gen --host 1 --size 8M --memory "$lib_dir/small"
	[ -z "$(ls "$lib_dir/small")" ] || fail "files are left in $lib_dir/small"
fi
vmd_says 1 "cannot create $lib_dir/none/fido.$group.0." create "$group" --vm gen --size 8M --memory "$lib_dir/none"
FIDO_RUNDIR=relative vmd_says 1 "give an absolute path" create "$group" --vm gen --size 8M --memory "$memory"
long=$FIDO_RUNDIR/$(printf 'x%.0s' {1..90})
FIDO_RUNDIR=$long vmd_says 1 "would be longer than 107 bytes" create "$group" --vm gen --size 8M --memory "$memory"
nothing_is_left

echo "--- no such thing"
vmd_says 1 "group $group: there is no such group" destroy "$group"
vmd_says 1 "group $group: there is no such group" args "$group" --vm gen
vmd_says 1 "group $group: there is no such group" plug "$group" --vm gen --qmp "$lib_dir/none"
vmd_says 1 "group $group: there is no such group" serve "$group"
vmd_says 1 "group $group: there is no such group" list "$group"
vmd_says 0 "" list
vmd_says 0 "[]" list --json

echo "--- create, list, destroy"
create "$group" --vm gen:slots=2 --vm mid --host 1 --slots-per-vm 3
expect_eq "$(find "$memory" -type f | wc -l)" 6 "files of memory"
expect_eq "$(find "$memory" -type f -size 10M -perm 600 | wc -l)" 6 "files of 10 MiB for their owner"
expect_eq "$(stat -c %b "$(readlink "$folder/slot.5.mem")")" $((10 << 11)) "blocks that are there"
vmd_says 0 "group $group: 6 slots of 8 MiB in $memory, not served: start fido-vmd serve" list
vmd_says 0 '"slot_bytes":' list "vm:$group" --json
expect_eq "$(slot 3 .machine)" mid "machine of slot 3"
vmd_says 1 "group $group: it is there ($folder): remove it first: fido-vmd destroy $group" create "$group" --vm gen
vmd_says 1 "it has no virtual machine 'sink'" args "$group" --vm sink
vmd_says 1 "it has no virtual machine 'host'" args "$group" --vm host
vmd_says 1 "cannot connect to $lib_dir/none: No such file or directory: give the socket of a QEMU" plug "$group" \
	--vm gen --qmp "$lib_dir/none"
serve vmd
vmd_says 0 "served by process ${lib_pid[vmd]}" list
vmd_says 1 "host.sock: QEMU does not greet" plug "$group" --vm gen --qmp "$folder/host.sock"
member a host.sock 101
tell a hello -1
hears a "WELCOME slot=0"
vmd_says 1 "its member a (process ${lib_pid[a]}) lives: end it first, or give --force" destroy "$group"
vmd_says 0 "live   a" list
member g slot.1.port 201
vmd_says 1 "gen runs: shut it down first, or give --force" destroy "$group"
vmd_says 0 "" destroy "$group" --force
hears a CLOSED
hears g CLOSED
kill_hard g
nothing_is_left

echo "--- groups that come later are served"
create "$group" --vm gen --host 1
wait_for 10 "[ -S '$folder/host.sock' ]" || fail "the new group is not served"
tell a connect
tell a as 102
tell a hello -1
hears a "WELCOME slot=0"
tell a quit
finish a 10
vmd_says 0 "" destroy "$group"
stop vmd
nothing_is_left

echo "--- remains of a killed create, and damage"
create "$group" --vm gen --host 1
mv "$folder" "$FIDO_RUNDIR/aside"
vmd_says 1 "it is left of a former group of this name; if nobody uses it" create "$group" --vm gen --size 8M --memory "$memory"
mv "$FIDO_RUNDIR/aside" "$folder"
dd if=/dev/zero of="$(readlink "$folder/slot.2.mem")" bs=4096 seek=1 count=1 conv=notrunc status=none
vmd_says 0 "the header of slot 2 was damaged, and is written again: its owner, gen, has overwritten it" args "$group" --vm gen
"$vmd" args "$group" --vm gen 2>"$lib_dir/said" >"$lib_dir/args"
[ ! -s "$lib_dir/said" ] || fail "damaged again: $(cat "$lib_dir/said")"
echo x | dd of="$(readlink "$folder/slot.3.mem")" bs=4100 seek=1 conv=notrunc status=none
serve vmd
expect_eq "$(slot 3 .headers_repaired)" 1 "repaired headers of slot 3"
stop vmd
vmd_says 0 "" destroy "$group"
nothing_is_left

echo "--- RAM"
! mountpoint -q "$lib_dir/small" || vmd_says 1 "no room in $lib_dir/small for 2 slots" create "$group" --vm gen:slots=1:ram=128M --host 1 --size 8M \
	--memory "$lib_dir/small"
create "$group" --vm gen:slots=1 --vm mid:slots=1:ram=128M --host 1
expect_eq "$(stat -Lc '%s %a' "$folder/ram.1.mem")" "$((256 << 20)) 600" "size and mode of the RAM of mid"
[ ! -e "$folder/ram.0.mem" ] || fail "there is RAM of gen"
dd if=/dev/zero of="$folder/ram.1.mem" bs=4096 seek=1 count=1 conv=notrunc status=none
vmd_says 0 "the header of the RAM of mid was damaged, and is written again: its owner, mid" args "$group" --vm gen
serve vmd
stop vmd
dd if=/dev/zero of="$folder/ram.1.mem" bs=4096 seek=1 count=1 conv=notrunc status=none
serve vmd
expect_eq "$("$vmd" list "$group" --json | jq -c '[.[0].machines[] | .ram_bytes, .ram_headers_repaired]')" \
	"[null,null,0,0,$((128 << 20)),1]" "RAM, and its repaired headers"
stop vmd
vmd_says 0 "mid              off           0       0         128" list
echo '{"version": 7}' >"$folder/group.json"
vmd_says 1 "not the file of a group of this version" list
vmd_says 1 "not the file of a group of this version" args "$group" --vm gen
rm -rf "$folder" "$memory"/fido.*
