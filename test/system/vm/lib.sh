# shellcheck shell=bash
# SPDX-License-Identifier: BSD-3-Clause
# Helpers for the scenarios of virtual machines, which run on the host under `set -eu`, after
# test/lib.sh: its helpers are there too, such as start, for processes of the host. A scenario may
# contain `# limit: SECONDS` (default 120). bed.sh sets $vm_bed, $vm_dir, $vm_logs, $vm_state,
# $vm_memory and $vm_requests.
# shellcheck disable=SC2154
#
#   vm_group GROUP VM... [-- OPTION...]
#                            have a group with these VMs (fido-vmd create, with the options) and a
#                            fido-vmd that serves it; one that is there and the same is kept,
#                            another one is destroyed with its VMs
#   vm_demo VM...            have the group that most scenarios share: demo, with gen, fwd and sink;
#                            start these
#   vmd_start, vmd_stop, vmd_kill
#                            the daemon: start it, end it by SIGTERM, kill it
#   vm_start VM...           have them run, and wait until they are up; all boot at the same time
#   vm_kill VM...            as a power cut: SIGKILL to QEMU, at the time $vm_ended_at
#   vm_restart VM...         vm_kill, vm_start
#   vm_reset VM              the guest's reset button; wait until it is up again; print what QEMU
#                            says
#   vm_pause VM, vm_resume VM
#                            stop and continue its processor
#   vm_qmp VM COMMAND [EVENT]
#                            another command of QEMU's; print the answer
#   vm_is_running VM         whether its QEMU runs
#   vm_wait_off VM           wait until its QEMU ends by itself; $vm_status: its exit status
#   vm_sh VM COMMAND [SECONDS]
#                            run it in the guest with sh -c; print its output, return its status.
#                            124: no answer, after 60 s by default; 125: the guest is gone
#   vm_job VM JOB COMMAND    run it in the background
#   vm_await VM JOB SECONDS REGEX
#                            until a line of its output matches; fail if it exits before
#   vm_wait VM JOB SECONDS   until it exits; print its output, return its status; 124: it runs
#   vm_kill_job VM JOB SIGNAL
#   vm_kill_process VM JOB   SIGKILL, as in a crash; wait for its end
#   vm_log VM JOB            print its output so far
#   vm_list FILTER           apply jq to fido-vmd's list of the group
#   vm_slots VM              print the slots of a machine, or of host, one a line
#   vm_device VM SLOT        print the device of a slot's memory in the guest
#   vm_memory_of SLOT        print its file on the host
#
# $vm_args: more arguments for QEMU, an array; $vm_ram: MiB of each guest; $vm_append: more of the
# kernel's command line; $vm_options: more options for `fido-vmd args`, an array; $vm_bare: the guest
# starts without the group: these are arguments for QEMU in place of fido-vmd's, an array.

vm_args=()
vm_options=()
vm_bare=()
vm_ram=${vm_ram:-256}
vm_append=
vm_bin=$FIDO_BUILD/test/system/vm
vmd=${FIDO_VMD:-$FIDO_BUILD/apps/fido-vmd/fido-vmd}
vm_sh_limit=60
vm_boot_limit=60

# Of the bed: microseconds.
vm_begin=${vm_begin:-${EPOCHREALTIME/./}}

# With the seconds since the bed's start.
vm_say()
{
	local since=$((${EPOCHREALTIME/./} - vm_begin))
	printf '[%d.%02d] %s\n' $((since / 1000000)) $((since / 10000 % 100)) "$*" >&2
}

# --- processes that bed.sh keeps ---

# NAME COMMAND...
vm_keep()
{
	local name=$1
	shift
	rm -f "$vm_state/$name.pid"
	printf '%s\0' "$@" >"$vm_state/$name.cmd"
	echo "keep $name" >"$vm_requests"
	wait_for 5 "[ -e '$vm_state/$name.pid' ]" || fail "bed.sh does not start $name"
}

# PID: whether the process runs. One that has ended and has not been waited for does not.
vm_alive()
{
	local state
	state=$(sed -n 's/^State:[[:space:]]*//p' "/proc/$1/status" 2>/dev/null) || return 1
	[[ $state = [^ZX]* ]]
}

vm_is_running()
{
	[ -e "$vm_state/$1.pid" ] && vm_alive "$(cat "$vm_state/$1.pid")"
}

# NAME: it is about to end: wait for that, and set $vm_status to its exit status.
vm_reap()
{
	local pid
	pid=$(cat "$vm_state/$1.pid")
	wait_for 20 "! vm_alive $pid" || fail "$1 does not end"
	rm -f "$vm_state/$1.status"
	echo "reap $1" >"$vm_requests"
	wait_for 5 "[ -e '$vm_state/$1.status' ]" || fail "bed.sh does not say how $1 ended"
	vm_status=$(cat "$vm_state/$1.status")
}

# NAME SIGNAL: send it, and wait until the process has ended.
vm_end()
{
	vm_is_running "$1" || fail "$1 does not run: $(tail -n 3 "$vm_logs/$1.log")"
	# shellcheck disable=SC2034 # for scenarios
	vm_ended_at=$EPOCHREALTIME
	kill "-$2" "$(cat "$vm_state/$1.pid")"
	vm_reap "$1"
}

# --- the group and its daemon ---

vmd_start()
{
	vm_is_running vmd && return 0
	vm_say "start fido-vmd"
	vm_keep vmd "$vmd" serve
	wait_for 10 '[ "$(vm_list .served)" = true ]' || fail "fido-vmd does not serve: $(tail -n 3 "$vm_logs/vmd.log")"
}

vmd_stop()
{
	vm_say "stop fido-vmd"
	vm_end vmd TERM
	expect_eq "$vm_status" 0 "exit status of fido-vmd"
}

vmd_kill()
{
	vm_say "kill fido-vmd"
	vm_end vmd KILL
}

# FILTER: apply jq to what fido-vmd says about the group.
vm_list()
{
	"$vmd" list "$vm_group" --json | jq -r ".[0] | $1"
}

vm_slots()
{
	vm_list ".slots[] | select(.machine == \"$1\") | .slot"
}

# Print the VMs that run.
vm_running()
{
	local file name
	for file in "$vm_state"/*.agent; do
		name=$(basename "$file" .agent)
		! vm_is_running "$name" || echo "$name"
	done
}

# Kill the VMs, stop the daemon, destroy the group.
vm_destroy_group()
{
	local name
	[ -e "$vm_state/group" ] || return 0
	for name in $(vm_running); do
		vm_kill "$name"
	done
	! vm_is_running vmd || vmd_stop
	echo_run "$vmd" destroy "$(head -n 1 "$vm_state/group")"
	rm -f "$vm_state"/*.agent "$vm_state/group"
}

vm_group()
{
	local wanted name options=()
	wanted=$(printf '%s\n' "$@")
	if [ "$(cat "$vm_state/group" 2>/dev/null)" != "$wanted" ]; then
		vm_destroy_group
		vm_group=$1
		shift
		while [ $# -gt 0 ] && [ "$1" != -- ]; do
			options+=(--vm "$1")
			shift
		done
		[ $# = 0 ] || shift
		echo_run "$vmd" create "$vm_group" "${options[@]}" --memory "$vm_memory" "$@"
		echo "$wanted" >"$vm_state/group"
	fi
	vm_group=$(head -n 1 "$vm_state/group")
	vmd_start
}

vm_demo()
{
	vm_group demo gen fwd sink -- --size 64M --slots-per-vm 2 --host 2
	vm_start "$@"
}

# --- virtual machines ---

# -no-reboot would end QEMU at a reset, so a panic must not be one. Without swiotlb=noforce a guest
# that could have memory above 4 GiB takes 64 MiB for copies of what 32-bit devices read. The
# kernel's check of the timer fails at times when the emulation gets no processor time.
vm_boot()
{
	local name=$1 devices
	mapfile -t devices < <("$vmd" args "$vm_group" --vm "$name" --format qemu --memory "${vm_ram}M" \
		${vm_options[@]+"${vm_options[@]}"})
	[ ${#vm_bare[@]} = 0 ] || devices=("${vm_bare[@]}")
	[ ${#devices[@]} -gt 0 ] || fail "fido-vmd prints no arguments for $name"
	vm_say "boot $name"
	rm -f "$vm_state/$name.agent"
	vm_keep "$name" qemu-system-x86_64 -name "$name" \
		-accel tcg,thread=multi -cpu max -machine q35 -smp 1 -nodefaults -display none \
		-kernel "$vm_dir/vmlinux" -initrd "$vm_dir/guest.cpio" \
		-append "console=ttyS0 quiet mitigations=off tsc=nowatchdog no_timer_check swiotlb=noforce panic=0 $vm_append" \
		-chardev "file,id=console,path=$vm_logs/$name.console.log,append=on" -serial chardev:console \
		-qmp "unix:$vm_state/$name.qmp,server=on,wait=off" \
		-chardev "socket,id=agent,path=$vm_state/$name.agent,server=on,wait=off" \
		-device virtio-serial-pci,id=bed -device virtserialport,bus=bed.0,chardev=agent,name=bed \
		-drive "if=none,id=disk,format=raw,readonly=on,file=$vm_dir/disk.img" -device virtio-blk-pci,drive=disk \
		"${devices[@]}" ${vm_args[@]+"${vm_args[@]}"}
}

# What is sent to a guest before it is up waits until its agent runs.
vm_await_up()
{
	wait_for 10 "[ -e '$vm_state/$1.agent' ] || ! vm_is_running '$1'" && vm_is_running "$1" ||
		fail "QEMU of $1 ended: $(tail -n 3 "$vm_logs/$1.log")"
	"$vm_bin/agent" call "$vm_state/$1.agent" $((vm_boot_limit * lib_patience)) true ||
		fail "$1 is not up: $(tail -n 5 "$vm_logs/$1.console.log")"
	vm_say "$1 is up"
}

vm_start()
{
	local name new=()
	for name in "$@"; do
		vm_is_running "$name" || new+=("$name")
	done
	for name in ${new[@]+"${new[@]}"}; do
		vm_boot "$name"
	done
	for name in ${new[@]+"${new[@]}"}; do
		vm_await_up "$name"
	done
}

vm_kill()
{
	local name
	for name in "$@"; do
		vm_say "kill $name"
		vm_end "$name" KILL
	done
}

vm_wait_off()
{
	vm_reap "$1"
	vm_say "$1 is off: status $vm_status"
}

vm_restart()
{
	vm_kill "$@"
	vm_start "$@"
}

vm_qmp()
{
	"$vm_bin/qmp" "$vm_state/$1.qmp" "${@:2}"
}

vm_reset()
{
	vm_say "reset $1"
	vm_qmp "$1" system_reset RESET
	vm_await_up "$1"
}

vm_pause()
{
	vm_qmp "$1" stop >&2
}

vm_resume()
{
	vm_qmp "$1" cont >&2
}

# --- commands ---

# Quote a command as one argument of the guest's shell.
vm_quoted()
{
	printf "'%s'" "${1//\'/\'\\\'\'}"
}

vm_sh()
{
	local status=0
	vm_say "$1+ $2"
	"$vm_bin/agent" call "$vm_state/$1.agent" $((${3:-$vm_sh_limit} * lib_patience)) "$2" || status=$?
	[ $status = 0 ] || vm_say "$1: status $status"
	return $status
}

vm_job()
{
	vm_sh "$1" "job start $2 $(vm_quoted "$3")"
}

vm_wait()
{
	vm_sh "$1" "job wait $2 $3" $(($3 + 30))
}

vm_await()
{
	vm_sh "$1" "job await $2 $3 $(vm_quoted "$4")" $(($3 + 30)) ||
		fail "$2 on $1 prints no line '$4'"
}

vm_kill_job()
{
	vm_sh "$1" "job kill $2 $3"
}

vm_kill_process()
{
	local status=0
	vm_kill_job "$1" "$2" KILL
	vm_wait "$1" "$2" 10 || status=$?
	[ $status = 137 ] || fail "$2 on $1 ended with status $status before it was killed"
}

vm_log()
{
	vm_sh "$1" "job log $2"
}

vm_device()
{
	vm_sh "$1" "slots.sh $2"
}

vm_memory_of()
{
	echo "$FIDO_RUNDIR/vm.$vm_group/slot.$1.mem"
}

# --- the end of a scenario ---

# After a failure: print the last output of the guests' jobs and kernels.
vm_last_words()
{
	local name
	# shellcheck disable=SC2154 # lib_cleanup()'s
	[ "$status" != 0 ] || return 0
	for name in $(vm_running); do
		vm_sh "$name" 'for log in /run/jobs/*.log; do echo "$log:"; tail -n 10 "$log"; done; dmesg | tail -n 10' 2 || true
		printf -- '--- console of %s:\n' "$name"
		tail -n 10 "$vm_logs/$name.console.log"
	done
}

# Fail if anything crashed in a guest, or a guest or the daemon has ended by itself. Stop all jobs.
vm_finish()
{
	local file name
	for file in "$vm_state"/*.pid; do
		name=$(basename "$file" .pid)
		[ ! -e "$file" ] || vm_is_running "$name" || fail "$name ended by itself: $(tail -n 5 "$vm_logs/$name.log")"
	done
	for name in $(vm_running); do
		vm_sh "$name" "job clean; ! crashes.sh" ||
			fail "something crashed in $name"
	done
}
