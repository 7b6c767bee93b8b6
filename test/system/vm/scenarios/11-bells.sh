# shellcheck shell=bash disable=SC2034,SC2154
# SPDX-License-Identifier: BSD-3-Clause
# limit: 480
# Doorbells of each kind wake sleepers, and none is lost: frames through fido-vmd, the module
# fido-bell, vfio-pci with an IOMMU, eventfds of a member of the host. Only the first kind uses
# fido-vmd, which may be restarted in between. The end of a process in a guest is known by its
# testament, without QMP. A machine that was started again is rung as before.
#
#   gen: a --- fwd: b        gen: a --- host: h
#
# It prints microseconds of a round trip by each kind; FIDO_BELL_ROUNDS=5 to compare them.
vm_args=(-device 'intel-iommu,intremap=on')
vm_append='intel_iommu=on iommu=pt'
trips=600
vm_group bells gen fwd -- --size 32M --slots-per-vm 2 --host 2 --bells 8
vm_start gen fwd

# Print how many rings fido-vmd has passed on.
rings()
{
	vm_list '[.slots[].rings] | add'
}

# NAME: print how many interrupts the guest's device has had; a device without a driver has none.
interrupts()
{
	vm_sh "$1" 'bell.sh count'
}

# KIND NAME...
ring_by()
{
	local kind=$1 name
	shift
	for name in "$@"; do
		vm_sh "$name" "bell.sh $kind" || fail "no doorbells of kind $kind in $name"
	done
}

# JOB A B TRIPS: start a pair of members in gen and fwd
start_pair()
{
	vm_job gen "$1" "pair vm:bells $2 $3 8 $4 turns"
	vm_job fwd "$1" "pair vm:bells $3 $2 8 $4 turns"
}

# JOB TRIPS: wait for their ends
finish_pair()
{
	local name
	for name in gen fwd; do
		vm_wait $name "$1" 60 >"$lib_dir/$name.out" || fail "$name: $(cat "$lib_dir/$name.out")"
		pair_is_good "$lib_dir/$name.out" "$2"
	done
}

# FILE TRIPS: check what a member printed last; set $us to the microseconds of a round trip.
pair_is_good()
{
	tail -n 1 "$1" | matches "sent=$2 received=$2 .* copied=0 " || fail "$1: $(cat "$1")"
	us=$(($(tail -n 1 "$1" | sed 's/.* ms=//') * 1000 / $2))
}

# KIND: exchange messages one at a time between gen and fwd, asleep in between
guests_take_turns()
{
	local before gen_before
	before=$(rings)
	ring_by "$1" gen fwd
	gen_before=$(interrupts gen)
	start_pair pair a b $trips
	finish_pair pair $trips
	check_kind "$1" $(($(rings) - before)) $(($(interrupts gen) - gen_before))
	echo "guests $1 $us us"
}

# KIND RINGS INTERRUPTS: whether the doorbells were of this kind. A message that comes before its
# receiver sleeps needs no ring: on a busy machine most.
check_kind()
{
	vm_say "$1: $2 rings by fido-vmd, $3 interrupts"
	case $1 in
	frames) [ "$2" -gt 0 ] && [ "$3" = 0 ] ;;
	module) [ "$2" = 0 ] && [ "$3" -gt 0 ] ;;
	# The kernel forgets the interrupts of a device that is closed.
	vfio) [ "$2" = 0 ] && [ "$3" = 0 ] ;;
	esac || fail "$1: $2 rings by fido-vmd, $3 interrupts"
}

# KIND: the same between gen and the host
host_takes_turns()
{
	local before gen_before
	before=$(rings)
	ring_by "$1" gen
	gen_before=$(interrupts gen)
	vm_job gen pair "pair vm:bells a h 8 $trips turns"
	start pair "$FIDO_BUILD/test/system/bed/pair" vm:bells h a 8 $trips turns
	vm_wait gen pair 60 >"$lib_dir/gen.out" || fail "gen: $(cat "$lib_dir/gen.out") $(cat "$(log_of pair)")"
	finish pair 20
	pair_is_good "$lib_dir/gen.out" $trips
	pair_is_good "$(log_of pair)" $trips
	check_kind "$1" $(($(rings) - before)) $(($(interrupts gen) - gen_before))
	echo "host $1 $us us"
}

# Print how many ends of members were known by testaments.
testaments()
{
	vm_list '[.slots[].testaments] | add'
}

all_free()
{
	wait_for 10 '[ -z "$(vm_list ".slots[] | select(.state != \"free\")")" ]' ||
		fail "slots that are not free: $(vm_list '.slots[]')"
}

# COUNT: all slots are free, and so many members' ends were known by testaments since $before
are_dead_by_testament()
{
	all_free
	wait_for 5 "[ \$((\$(testaments) - before)) = $1 ]" || fail "testaments: $before, then $(testaments), not $1"
}

# The link of the job `pair` is up at both ends: its set-up needs fido-vmd.
await_up()
{
	local name
	for name in gen fwd; do
		vm_await $name pair 20 '^up$'
	done
}

# Print the process that holds the doorbells.
holder()
{
	local inode
	inode=$(stat -c %i "$FIDO_RUNDIR/vm.bells/bells.lock")
	awk -v inode="$inode" '$6 ~ ":" inode "$" { print $5 }' /proc/locks
}

for ((round = 0; round < ${FIDO_BELL_ROUNDS:-1}; round++)); do
	for kind in frames module vfio; do
		guests_take_turns $kind
		host_takes_turns $kind
	done
done

# With vfio the first process has the device. The second one does without, and so do those that ring it.
start_pair one a b $trips
start_pair two c d $trips
finish_pair one $trips
finish_pair two $trips

# What the module refuses and promises, alone and beside members.
ring_by module gen fwd
vm_sh gen 'bell refuse'

# Two processes of each guest share its device. Floods of rings from one of them cost nobody a ring.
start_pair one a b 1000
start_pair two c d 1000
vm_job fwd flood 'bell flood 1 2000'
finish_pair one 1000
finish_pair two 1000
vm_wait fwd flood 60

# Without fido-vmd the doorbells go on. That the members have ended in the meantime it learns when it
# starts, from testaments: it does not find QMP.
all_free
before=$(testaments) rings_before=$(rings)
start_pair pair a b 6000
await_up
for name in gen fwd; do
	mv "$FIDO_RUNDIR/vm.bells/$name.vm/qmp" "$FIDO_RUNDIR/vm.bells/$name.vm/hidden"
done
vmd_stop
finish_pair pair 6000
vmd_start
are_dead_by_testament 2
expect_eq "$(vm_list '[.machines[] | select(.qmp)] | length')" 0 "machines whose QMP is known"
expect_eq "$(rings)" "$rings_before" "rings by fido-vmd"

# One is killed.
before=$(testaments)
vm_job gen victim "exec pair vm:bells a nobody 8 1 turns"
wait_for 10 "[ \"\$(vm_list '[.slots[] | select(.state == \"live\")] | length')\" = 1 ]" || fail "it does not join"
vm_kill_process gen victim
are_dead_by_testament 1

# A machine that was started again is rung as before, by one that has stayed. fido-vmd was killed in
# between.
rings_before=$(rings)
vm_job gen pair "pair vm:bells a b 8 $trips turns"
vmd_kill
vm_kill fwd
vmd_start
vm_start fwd
ring_by module fwd
vm_job fwd pair "pair vm:bells b a 8 $trips turns"
finish_pair pair $trips
expect_eq "$(rings)" "$rings_before" "rings by fido-vmd"

# The same after a reset, of which no kernel tells its members' peers.
mv "$FIDO_RUNDIR/vm.bells/gen.vm/hidden" "$FIDO_RUNDIR/vm.bells/gen.vm/qmp"
vm_reset gen
ring_by module gen
start_pair pair a b $trips
finish_pair pair $trips
expect_eq "$(rings)" "$rings_before" "rings by fido-vmd"

# A device is removed while members use it: they go on by frames.
start_pair pair a b 6000
vm_job fwd hold 'bell hold'
vm_await fwd hold 10 '^ready$'
await_up
vm_sh fwd 'bell.sh remove'
finish_pair pair 6000
vm_wait fwd hold 10 | matches gone || fail "the other process: $(vm_log fwd hold)"
[ "$(rings)" -gt "$rings_before" ] || fail "no rings by fido-vmd after the device was removed"

# The process that holds the doorbells is killed: a machine that comes later and one that has stayed
# do not have the same ones, and use frames.
old=$(holder)
kill -KILL "$old"
wait_for 5 '[ -n "$(holder)" ] && [ "$(holder)" != "$old" ]' || fail "no other process holds the doorbells"
vm_restart fwd
ring_by module fwd
rings_before=$(rings)
start_pair pair a b $trips
finish_pair pair $trips
[ "$(rings)" -gt "$rings_before" ] || fail "no rings by fido-vmd between machines with other doorbells"
