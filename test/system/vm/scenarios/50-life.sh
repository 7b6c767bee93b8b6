# shellcheck shell=bash disable=SC2034,SC2154
# SPDX-License-Identifier: BSD-3-Clause
# A chain of three machines under load lives through random events: a machine loses its power or is
# reset, its process is killed, its processor stands still, fido-vmd is restarted or killed, and
# somebody dies while fido-vmd is away, or another machine stands still. Links come back by themselves; no packet arrives damaged or
# twice or is overwritten while being read; in the end every buffer is back and every slot is free.
# It prints how long it took until others knew.
#
# FIDO_VM_EVENTS: how many; FIDO_VM_PAUSE: seconds of standing still; FIDO_VM_SEED: the same events
# limit: 300
# shellcheck source=test/system/vm/chain.sh
. "$vm_bed/chain.sh"
vm_demo gen fwd sink
guests=(gen fwd sink)
events=${FIDO_VM_EVENTS:-21}
pause=${FIDO_VM_PAUSE:-3}
seed=${FIDO_VM_SEED:-$RANDOM}
vm_say "seed $seed"
RANDOM=$seed
watch_log=$(log_of watch)

# --- how long it takes ---

# WHAT FROM TO: note the time from one to the other, in seconds since 1970.
took()
{
	awk -v "from=$2" -v "to=$3" 'BEGIN { printf "%.1f\n", 1000 * (to - from) }' >>"$lib_dir/took.$1"
	vm_say "$1: $(tail -n 1 "$lib_dir/took.$1") ms"
}

# VM FROM: print when a member of the host heard that the one in this machine is gone.
heard_gone()
{
	awk -v "from=$2" -v "slots= $(vm_slots "$1" | xargs) " '
		$2 == "GONE" && $1 > from && index(slots, " " substr($3, 6) " ") { print $1; exit }' "$watch_log"
}

# WHAT VM FROM: wait until it is known that the member in this machine is gone, and note the time.
others_know()
{
	wait_for 20 "[ -n \"\$(heard_gone $2 $3)\" ]" || fail "nobody is told that the member in $2 is gone: $(tail -n 5 "$watch_log")"
	took "$1" "$3" "$(heard_gone "$2" "$3")"
}

# FILE EVENT: print the time of this event of QEMU's; a port's: that it was closed.
event_time()
{
	sed -n "/\"event\": \"$2\"/{/\"open\": true/d; s/.*\"seconds\": \([0-9]*\), \"microseconds\": \([0-9]*\).*/\1 \2/p}" "$1" |
		head -n 1 | xargs -r printf '%d.%06d\n'
}

print_medians()
{
	local file
	for file in "$lib_dir"/took.*; do
		vm_say "${file##*took.}: $(sort -n "$file" | awk '{ t[NR] = $1 }
			END { printf "median %.1f ms, %.1f to %.1f, %d times", t[int((NR + 1) / 2)], t[1], t[NR], NR }')"
	done
}

# --- events ---

begin_again()
{
	vm_start "$1"
	chain_start "$1"
}

life_power()
{
	vm_kill "$1"
	others_know gone-power "$1" "$vm_ended_at"
	begin_again "$1"
}

life_reset()
{
	vm_reset "$1" >"$lib_dir/reset"
	others_know gone-reset "$1" "$(event_time "$lib_dir/reset" RESET)"
	begin_again "$1"
}

life_process()
{
	local monitor
	vm_qmp "$1" query-status VSERPORT_CHANGE >"$lib_dir/port" &
	monitor=$!
	wait_for 5 'grep -q running "$lib_dir/port"' || fail "QEMU of $1 says nothing"
	vm_kill_process "$1" chain
	wait $monitor || fail "QEMU of $1 does not say that a port was closed"
	others_know gone-process "$1" "$(event_time "$lib_dir/port" VSERPORT_CHANGE)"
	begin_again "$1"
}

# In half of the cases the process of another machine is killed meanwhile.
life_pause()
{
	local other=${guests[RANDOM % 3]}
	vm_pause "$1"
	if [ "$other" != "$1" ] && [ $((RANDOM % 4)) != 0 ]; then
		vm_kill_process "$other" chain
		begin_again "$other"
	fi
	sleep "$pause"
	vm_resume "$1"
}

all_connected()
{
	[ "$(vm_list '[.slots[] | select(.state == "live" and .connected == false)] | length')" = 0 ]
}

# HOW VM: in half of the cases the machine loses its power, or its process is killed, meanwhile.
vmd_away()
{
	local how=$1 name=$2 victim=$((RANDOM % 6)) since
	"vmd_$how"
	case $victim in
	0) vm_kill "$name" ;;
	1 | 2) vm_kill_process "$name" chain ;;
	*) chain_flows ;;
	esac
	since=$EPOCHREALTIME
	vmd_start
	[ $victim -gt 2 ] || others_know gone-meanwhile "$name" "$since"
	wait_for 20 all_connected || fail "not all members are connected to fido-vmd again"
	took back-to-vmd "$since" "$EPOCHREALTIME"
	[ $victim -gt 2 ] || begin_again "$name"
}

life_vmd_restart()
{
	vmd_away stop "$1"
}

life_vmd_crash()
{
	vmd_away kill "$1"
}

# --- the scenario ---

none_is()
{
	[ -z "$(vm_list ".slots[] | select(.state == \"$1\") | .slot")" ]
}

start watch "$vm_bed/watch.sh" "$FIDO_RUNDIR/vm.demo/host.sock" watch
wait_for 10 'matches WELCOME <"$watch_log"' || fail "the host's member is not welcome: $(cat "$watch_log")"
for name in "${guests[@]}"; do
	chain_start "$name"
done
chain_flows
deck=()
declare -A turns=()
for ((n = 1; n <= events; n++)); do
	# All are dealt before one comes again, and each comes to one machine after the other.
	[ ${#deck[@]} -gt 0 ] || deck=(power reset process process pause vmd_restart vmd_crash)
	i=$((RANDOM % ${#deck[@]}))
	turns[${deck[i]}]=$((${turns[${deck[i]}]:-$((RANDOM % 3))} + 1))
	name=${guests[turns[${deck[i]}] % 3]}
	vm_say "event $n: ${deck[i]} $name"
	"life_${deck[i]}" "$name"
	unset "deck[i]"
	deck=("${deck[@]}")
	chain_flows
	for name in "${guests[@]}"; do
		chain_good "$name"
	done
	wait_for 20 'none_is held' || fail "slots of the dead stay held: $(vm_list '.slots[]')"
done
chain_drain
stop watch 130
wait_for 10 'none_is live && none_is held' || fail "slots that are not free: $(vm_list '.slots[]')"
print_medians
