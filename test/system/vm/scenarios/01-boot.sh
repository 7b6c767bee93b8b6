# shellcheck shell=bash disable=SC2034,SC2154
# SPDX-License-Identifier: BSD-3-Clause
# Guests boot at the same time and have the memory of all slots: their own, and that of others,
# which they read but cannot write. A guest's kernel tells which slot is which.
vm_demo gen fwd sink

all=$(vm_list '.slots[].slot' | xargs)
for name in gen fwd sink; do
	vm_sh $name slots.sh | tee "$lib_dir/slots"
	expect_eq "$(cut -d' ' -f1 "$lib_dir/slots" | xargs)" "$all" "slots in $name"
	expect_eq "$(awk '$3 == "rw" { print $1 }' "$lib_dir/slots")" "$(vm_slots $name)" "its own"
	expect_eq "$(cut -d' ' -f4 "$lib_dir/slots" | sort -u)" $((64 << 20)) "bytes of each"
done

bytes=$((8 << 20))
# VM fill|check SLOT SEED
memory()
{
	local device
	device=$(vm_device "$1" "$3")
	vm_sh "$1" "dax $2 $device 0 $bytes $4"
}

# SLOT SEED: the host sees it behind the header.
host_check()
{
	"$vm_bin/dax" check "$(vm_memory_of "$1")" $((2 << 20)) $bytes "$2"
}

slot=$(vm_slots gen | tail -n 1)
memory gen fill "$slot" 7
memory sink check "$slot" 7
host_check "$slot" 7
! memory fwd check "$slot" 8 || fail "any pattern is accepted"

# A peer's stores go nowhere, and leave the peer alone.
memory fwd fill "$slot" 9
for name in gen sink; do
	memory $name check "$slot" 7
done
host_check "$slot" 7
slot=$(vm_slots fwd | head -n 1)
memory fwd fill "$slot" 10
memory gen check "$slot" 10

# The group's memory is that of before when a guest is reset; its own is not.
vm_sh gen 'touch /run/before'
vm_reset gen
vm_sh gen '[ ! -e /run/before ]'
memory gen check "$slot" 10
