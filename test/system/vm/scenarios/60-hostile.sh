# shellcheck shell=bash disable=SC2034,SC2154
# SPDX-License-Identifier: BSD-3-Clause
# A machine runs wild, in each way that it can, beside members that go on: nothing of theirs is
# damaged, fido-vmd lives and counts, and the header that it has destroyed is written again before
# the next machine reads it.
# limit: 200
vm_group demo gen fwd sink -- --size 64M --slots-per-vm 2 --host 2
vm_start gen fwd sink

# Members exchange checked messages beside one that does NAME: ARGUMENT... of the program hostile.
beside()
{
	local what=$1 name
	shift
	vm_job fwd hostile "exec hostile $what $*"
	vm_await fwd hostile 20 '^(scribbling|sending|joined)'
	vm_job gen pair 'pair vm:demo a b 32 3000 sleep'
	vm_job sink pair 'pair vm:demo b a 32 3000 sleep'
	for name in gen sink; do
		vm_wait $name pair 60 >"$lib_dir/$name.out" || fail "$name beside $what: $(cat "$lib_dir/$name.out")"
		tail -n 1 "$lib_dir/$name.out" | matches 'sent=3000 received=3000 ' || fail "$name beside $what: $(cat "$lib_dir/$name.out")"
	done
	vm_kill_process fwd hostile
	expect_eq "$(vm_list .served)" true "fido-vmd serves after $what"
}

# SLOT KEY: what fido-vmd has counted there
counted()
{
	vm_list ".slots[] | select(.slot == $1) | .$2"
}

slot=$(vm_slots fwd | head -n 1)
port=/dev/$(vm_sh fwd "grep -l '^fido.demo.$slot\$' /sys/class/virtio-ports/*/name | cut -d/ -f5")

# A member whose memory somebody scribbles over: its root, its control region, its rings.
vm_job fwd member 'pair vm:demo c a 32 1000000000 poll'
wait_for 20 "[ \"\$(counted $slot state)\" = live ]" || fail "the member in fwd has not joined"
beside memory "$(vm_device fwd "$slot")"
vm_sh fwd 'job kill member KILL'

beside garbage "$port"
expect_ge "$(counted "$slot" skipped_bytes)" 100000 "bytes of no frame that were counted"
beside flood "$port" evil
expect_ge "$(counted "$slot" frames)" 1000 "frames that were counted"
beside lies "$port" liar

# The header of its file, which the kernels of others read when they start.
vm_sh fwd "scribble-header.sh $slot"
expect_eq "$(head -c 6144 "$(vm_memory_of "$slot")" | tail -c 2048 | tr -d '\0' | wc -c)" 0 "bytes left of the header"
vm_restart sink
vm_device sink "$slot" | matches /dev/dax || fail "sink does not see the memory of slot $slot"
# Its kernel no longer shows that slot's memory.
vm_kill fwd
