#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# The test bed for virtual machines: QEMU's guests in software emulation, fido-vmd on the host, and
# scenarios, which run on the host.
#
#   test/system/vm/bed.sh list               list the scenarios
#   test/system/vm/bed.sh run [NAME...]      run all, or these
#   test/system/vm/bed.sh images             only build what is booted
#
#      this machine
#      +--------------------------------------------------------------------------------+
#      |  bed.sh                 scenarios/NN-NAME.sh (lib.sh)          fido-vmd        |
#      |   | starts                  | agent call     | qmp               |             |
#      |   |     +- qemu gen --------|----------------|----+   +- qemu fwd -------+     |
#      |   +---->| (TCG, 1 CPU)    agent serve        |    |   |                  | ... |
#      |         | Linux  /dev/daxX.Y  /dev/vportNpM       |   |                  |     |
#      |         +-----------------------------------------+   +------------------+     |
#      +--------------------------------------------------------------------------------+
#
# Guests and fido-vmd are bed.sh's children and die with it. They stay up from one scenario to the
# next: a scenario starts those that it needs and that are not up. After one that failed, all are
# stopped.
#
# It prints one line for each scenario as it ends: `passed NAME SECONDS LOG` or `failed NAME SECONDS
# LOG`. Exit status 0 when all passed. Logs: test-logs/vm/NAME.log, GUEST.console.log, PROCESS.log.
#
# Environment: FIDO_BUILD, the build folder (default: build); FIDO_VMD, the daemon (default: the
# build's); FIDO_VM_LIMIT, seconds for each scenario, whatever it says
set -eu -o pipefail

vm_bed=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=test/lib.sh
. "$vm_bed/../../lib.sh"
# shellcheck source=test/system/vm/image.sh
. "$vm_bed/image.sh"
# shellcheck source=test/system/bed/report.sh
. "$vm_bed/../bed/report.sh"
# shellcheck source=test/system/vm/lib.sh
. "$vm_bed/lib.sh"
vm_dir=$FIDO_BUILD/vm
vm_logs=$FIDO_BUILD/test-logs/vm
# Pids, sockets (whose paths are short), requests of scenarios.
vm_state=$lib_dir/vm
vm_memory=$vm_dir/memory
# Seconds for a scenario that does not say `# limit: SECONDS`.
scenario_limit=120

# --- processes that outlive a scenario ---

# NAME: start the command in NAME.cmd, with its output in NAME.log; it dies with this script. The
# scenario waits for NAME.pid.
keep()
{
	local name=$1 command
	mapfile -d '' command <"$vm_state/$name.cmd"
	printf '+ %s\n' "${command[*]}" >>"$vm_logs/$name.log"
	setpriv --pdeathsig KILL "${command[@]}" >>"$vm_logs/$name.log" 2>&1 </dev/null {requests_fd}>&- &
	echo $! >"$vm_state/$name.pid.new"
	mv "$vm_state/$name.pid.new" "$vm_state/$name.pid"
}

# NAME: it has ended: write its exit status into NAME.status.
reap()
{
	local status=0
	wait "$(cat "$vm_state/$1.pid")" || status=$?
	rm -f "$vm_state/$1.pid"
	echo $status >"$vm_state/$1.status.new"
	mv "$vm_state/$1.status.new" "$vm_state/$1.status"
}

# Kill what is kept and still runs, guests and fido-vmd, and forget the group.
stop_all()
{
	local file pid
	for file in "$vm_state"/*.pid; do
		[ -e "$file" ] || continue
		pid=$(cat "$file")
		! vm_alive "$pid" || kill -KILL "$pid"
		wait "$pid" || true
	done
	rm -rf "$vm_state"
	find "$vm_memory" -mindepth 1 -delete
	mkdir -p "$FIDO_RUNDIR"
}

# The guests' memory: a file system of its own, which a killed bed leaves to the next one.
prepare()
{
	rm -rf "$vm_logs"
	mkdir -p "$vm_logs" "$vm_memory"
	! mountpoint -q "$vm_memory" || umount -l "$vm_memory"
	mount -t tmpfs tmpfs "$vm_memory"
	at_exit 'umount -l "$vm_memory"'
	export FIDO_RUNDIR=$vm_state/run vm_begin vm_bed vm_logs vm_state vm_memory vm_dir
	stop_all
	before_exit stop_all
	mkfifo "$lib_dir/requests"
	# Open for reading and writing, so that neither end waits for the other.
	exec {requests_fd}<>"$lib_dir/requests"
	export vm_requests=$lib_dir/requests
}

# --- scenarios ---

# In a shell and a process group of its own, as a script of test/lib.sh.
start_scenario()
{
	local file=$vm_bed/scenarios/$1.sh limit status=0
	limit=$(sed -n 's/^# limit: *//p' "$file")
	# shellcheck disable=SC2016 # for that shell
	timeout -k 15 "${FIDO_VM_LIMIT:-${limit:-$scenario_limit}}" bash -eu -o pipefail -c '. "$FIDO_TOP/test/lib.sh"
		. "$vm_bed/lib.sh"; before_exit vm_last_words; . "$1"; vm_finish' "$1" "$file" </dev/null {requests_fd}>&- || status=$?
	echo "ended $status" >"$vm_requests"
}

# Serve a scenario's requests until it ends.
run_scenario()
{
	local name=$1 log=$vm_logs/$1.log start=${EPOCHREALTIME/./} line what argument result=passed
	start_scenario "$name" >"$log" 2>&1 &
	while :; do
		# With a limit, so that a signal ends this script soon.
		next_line_of "$requests_fd" 5 || continue
		read -r what argument <<<"$line"
		case $what in
		keep | reap) $what "$argument" ;;
		ended) break ;;
		esac
	done
	if [ "$argument" != 0 ]; then
		[ "$argument" != 124 ] || echo "FAIL: $name took too long" >>"$log"
		result=failed
		stop_all
	fi
	report $result "$name" "$(seconds_since "$start")" "$log"
}

run()
{
	local name status=0
	prepare
	# Where this shell says how its children ended.
	exec 2>>"$vm_logs/bed.log"
	(build_images) >>"$vm_logs/bed.log" 2>&1 </dev/null &
	wait $! || status=$?
	if [ $status = 0 ]; then
		for name in "${names[@]}"; do
			run_scenario "$name"
		done
	fi
	report_missing "$vm_logs/bed.log" "${names[@]}"
	[ $n_failed = 0 ]
}

case ${1:-} in
list) list_scenarios "$vm_bed" ;;
images) build_images ;;
run)
	shift
	names=("$@")
	[ ${#names[@]} -gt 0 ] || mapfile -t names < <(list_scenarios "$vm_bed")
	run
	;;
*) fail "usage: bed.sh list | run [NAME...] | images" ;;
esac
