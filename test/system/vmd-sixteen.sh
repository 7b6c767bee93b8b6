#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Proves: one command creates a group of 16 machines: each has 4 of the 64 slots, the host has none;
# each slot has a file with a header of its own, and each machine's arguments have all files, its
# own 4 writable, at their slots; a 17th machine has no room.
#
#	v0: slots 0 to 3, v1: 4 to 7, ... v15: 60 to 63
#
# No hugepages, no virtual machine.
# shellcheck source=test/system/vmd.bash
. "$(dirname "$0")/vmd.bash"

vms=()
for i in {0..15}; do
	vms+=(--vm "v$i")
done
vmd_says 2 "too many or too few slots: a group has 2 to 64" create "$group" "${vms[@]}" --vm v16 --size 8M
vmd_says 2 "too many or too few slots: a group has 2 to 64" create "$group" "${vms[@]}" --host 1 --size 8M
create "$group" "${vms[@]}"

echo "--- slots and files"
"$vmd" list "$group" --json >"$lib_dir/list"
expect_eq "$(jq -c '[.[0].machines[] | [.machine, .first_slot, .slots]]' "$lib_dir/list")" \
	"[[\"host\",0,0],$(for i in {0..15}; do printf '["v%d",%d,4],' "$i" $((4 * i)); done | sed 's/,$//')]" "machines"
expect_eq "$(jq -r '[.[0].slots[].slot] | join(" ")' "$lib_dir/list")" "$(seq -s ' ' 0 63)" "slots"
expect_eq "$(find "$memory" -type f -size 10M | wc -l)" 64 "files of 10 MiB"
expect_eq "$(find "$folder" -name 'slot.*.mem' -type l | wc -l)" 64 "links to them"
for slot in {0..63}; do
	od -An -tx1 -j $((4096 + 16)) -N 16 "$folder/slot.$slot.mem" | tr -d ' \n'
	echo
done >"$lib_dir/uuids"
expect_eq "$(cut -c 1-30 "$lib_dir/uuids" | sort -u | wc -l)" 1 "groups that uuids name"
expect_eq "$(cut -c 31-32 "$lib_dir/uuids" | xargs)" "$(printf '%02x ' {0..63} | sed 's/ $//')" "slots that uuids name"

echo "--- arguments of each machine"
for i in {0..15}; do
	"$vmd" args "$group" --vm "v$i" --memory 64M >"$lib_dir/args"
	expect_eq "$(sed -n 's/^nvdimm,.*,slot=\([0-9]*\).*/\1/p' "$lib_dir/args" | xargs)" "$(seq -s ' ' 0 63)" "slots in v$i"
	expect_eq "$(sed -n 's/^nvdimm,.*,slot=\([0-9]*\)$/\1/p' "$lib_dir/args" | xargs)" "$(seq -s ' ' $((4 * i)) $((4 * i + 3)))" \
		"armed NVDIMMs of v$i"
	expect_eq "$(sed -n 's/^memory-backend-file,id=fido\.[^.]*\.\([0-9]*\)\.mem,.*readonly=off$/\1/p' "$lib_dir/args" | xargs)" \
		"$(seq -s ' ' $((4 * i)) $((4 * i + 3)))" "writable files of v$i"
	expect_eq "$(sed -n 's/^virtserialport,.*,name=//p' "$lib_dir/args" | xargs)" \
		"$(for n in 0 1 2 3; do echo "fido.$group.$((4 * i + n))"; done | xargs)" "ports of v$i"
	matches "^size=64M,slots=64,maxmem=704M$" <"$lib_dir/args" || fail "no -m: $(grep maxmem "$lib_dir/args")"
done
serve vmd "$group"
for i in 0 63; do
	wait_for 10 "[ -S '$folder/slot.$i.port' ]" || fail "no socket for slot $i"
done
expect_eq "$(find "$folder" -name 'slot.*.port' -type s | wc -l)" 64 "sockets of ports"
stop_serving vmd
[ -z "$(find "$FIDO_RUNDIR" "$memory" -mindepth 1)" ] || fail "left behind: $(find "$FIDO_RUNDIR" "$memory" -mindepth 1)"
