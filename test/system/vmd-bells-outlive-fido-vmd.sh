#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Proves: the doorbells of a group are held by a process that outlives fido-vmd, however that ends,
# so that whoever comes later gets the same ones. If that process is killed, fido-vmd starts another
# one. It ends when the group is destroyed, or its folder removed. QEMU gets all that it waits for.
#
#	QEMU gen, QEMU fwd --> gen.bell, fwd.bell: the process that holds the doorbells <-- fido-vmd
#
# No hugepages; QEMU with -S, if it is installed.
# shellcheck source=test/system/vmd.bash
. "$(dirname "$0")/vmd.bash"

# Print the process that holds the doorbells of $group.
holder()
{
	local inode
	inode=$(stat -c %i "$folder/bells.lock" 2>/dev/null) || return 0
	awk -v inode="$inode" '$6 ~ ":" inode "$" { print $5 }' /proc/locks
}

# PID: whether it runs
runs()
{
	[ -d "/proc/$1" ] && ! grep -q '^State:.*Z' "/proc/$1/status"
}

# NAME: start QEMU for a machine; it stops before its first instruction.
start_machine()
{
	local devices
	mapfile -t devices < <("$vmd" args "$group" --vm "$1" --memory 64M)
	start "$1" qemu-system-x86_64 -machine q35 -nodefaults -display none -S "${devices[@]}"
	wait_for 20 "! is_running $1 || [ -S '$folder/$1.vm/qmp' ]"
	is_running "$1" || fail "QEMU does not start: $(tail -n 3 "$(log_of "$1")")"
}

# NAME: print the numbers of the eventfds that a machine's QEMU has, sorted.
eventfds_of()
{
	sed -n 's/^eventfd-id: *//p' /proc/"${lib_pid[$1]}"/fdinfo/* 2>/dev/null | sort
}

# Print how many eventfds both machines have.
common()
{
	comm -12 <(eventfds_of gen) <(eventfds_of fwd) | wc -l
}

vmd_says 2 "give a number from 0 to 64" create "$group" --vm gen --bells 65
vmd_says 2 "give fewer" create "$group" --vm gen --host 12 --bells 64
create "$group" --vm gen --vm fwd --host 1 --slots-per-vm 1 --bells 4
vmd_says 0 "ivshmem-doorbell,id=fido.$group.bells,vectors=4" args "$group" --vm gen
vmd_says 0 "<msi vectors='4' ioeventfd='on'/>" args "$group" --vm gen --format libvirt
serve vmd
first=$(holder)
[ -n "$first" ] || fail "nobody holds the doorbells"
for file in bells.sock gen.bell fwd.bell host.bell.sock; do
	[ -S "$folder/$file" ] || fail "no socket $file"
done
vmd_says 1 "another process does" bells "$group"

if command -v qemu-system-x86_64 >/dev/null; then
	start_machine gen
fi
kill_hard vmd
runs "$first" || fail "the doorbells are gone with fido-vmd"
serve vmd
expect_eq "$(holder)" "$first" "the process that holds the doorbells"
if is_running gen; then
	start_machine fwd
	# Of both machines and the host's slot; not their testaments.
	wait_for 5 '[ "$(common)" = 12 ]' || fail "both machines have $(common) eventfds, not 12"
	kill_hard gen
	kill_hard fwd
fi

echo "--- killed itself"
kill -KILL "$first"
wait_for 5 '[ -n "$(holder)" ] && [ "$(holder)" != "$first" ]' || fail "no other process holds the doorbells"
# shellcheck disable=SC2034 # in what wait_for evaluates
second=$(holder)
wait_for 5 'grep -q "the process that held the doorbells has ended" "$(log_of vmd)"' || fail "it is not said"
stop_serving vmd
wait_for 5 '! runs "$second"' || fail "it has not ended with the group"

echo "--- the folder is removed"
create "$group" --vm gen --host 1 --bells 1
serve vmd
# shellcheck disable=SC2034
third=$(holder)
stop vmd
runs "$third" || fail "the doorbells are gone with fido-vmd"
rm -r "$folder"
wait_for 5 '! runs "$third"' || fail "it has not ended with the folder"

echo "--- without --bells"
create plain --vm gen --host 1
vmd_says 1 "created without --bells" bells plain
vmd_says 0 "" args plain --vm gen
! grep -q ivshmem-doorbell "$lib_dir/said" || fail "a device that was not asked for"
vmd_says 0 "" destroy plain
