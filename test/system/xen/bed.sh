#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# The Xen test bed: boot the real hypervisor in QEMU's software emulation, and run scenarios on it.
#
#   test/system/xen/bed.sh list               list the scenarios
#   test/system/xen/bed.sh run [NAME...]      run all, or these, on one boot
#   test/system/xen/bed.sh images             only build what is booted
#
#      this machine
#      +- qemu-system-x86_64 (TCG, 2 CPUs) ----------------------+
#      |  dom0            domA      domB      domC      domD      |    dom0: scenarios/*.sh, xl
#      |  Linux           Linux     Linux     Linux     Linux     |    guests: an agent that runs
#      |  +- Xen ----------------------------------------------+  |    what dom0 writes to xenstore
#      +---|-----------------------------------------------------+
#          serial line: test-logs/xen/console.log, NAME.log (a scenario's part), domA.log ...
#
# It prints one line for each scenario as it ends: `passed NAME SECONDS LOG` or `failed NAME SECONDS
# LOG`. Exit status 0 when all passed.
#
# Environment: FIDO_BUILD, the build folder (default: build); FIDO_XEN_LONG=1, longer runs of some
# scenarios
set -eu -o pipefail

xen_bed=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=test/lib.sh
. "$xen_bed/../../lib.sh"
# shellcheck source=test/system/xen/image.sh
. "$xen_bed/image.sh"
# shellcheck source=test/system/bed/report.sh
. "$xen_bed/../bed/report.sh"
xen_dir=$FIDO_BUILD/xen
xen_logs=$FIDO_BUILD/test-logs/xen
# Seconds until the first scenario starts, and for the whole run.
boot_limit=180
run_limit=$((${FIDO_XEN_LONG:-0} ? 3600 : 2700))
# The emulated machine. smap and monitor do not work for PV domains in this emulation; without
# eager-fpu programs crash at random once they use AVX.
# shellcheck disable=SC2054 # QEMU's commas
qemu_options=(
	-accel tcg,thread=multi -cpu max,-smap,-monitor,-xsave -smp 2 -m 3072M
	-nodefaults -display none -monitor none -no-reboot
)
xen_arguments="console=com1 com1=115200,8n1 dom0_mem=1024M,max:1024M dom0_max_vcpus=1 loglvl=warning \
guest_loglvl=warning spec-ctrl=eager-fpu"
dom0_arguments="console=hvc0 loglevel=5 rodata=off mitigations=off panic=1"

# All output of the boot, with the seconds since its start.
console=$xen_logs/console.log

# --- one boot ---

# QEMU dies with this script, even if that is killed. A comma ends QEMU's name of a module.
start_machine()
{
	local serial=$lib_dir/console$1 scenarios
	scenarios=$(IFS=: && echo "${names[*]}")
	mkfifo "$serial"
	# Held open for reading and writing, so that neither end waits for the other.
	exec {console_fd}<>"$serial"
	cd "$xen_dir"
	start qemu setpriv --pdeathsig KILL qemu-system-x86_64 "${qemu_options[@]}" \
		-serial "file:$serial" -kernel xen -append "$xen_arguments" \
		-initrd "vmlinux $dom0_arguments bed.scenarios=$scenarios ${FIDO_XEN_LONG:+bed.long=1},dom0.cpio" >>"$xen_logs/bed.log"
	cd - >/dev/null
	boot_start=${EPOCHREALTIME/./}
	partial=
}

stop_machine()
{
	! is_running qemu || kill -KILL "${lib_pid[qemu]}"
	lib_reap qemu
	exec {console_fd}>&-
}

# Read the next whole line of the console into $line; false when there was none for half a second.
next_line()
{
	next_line_of "$console_fd" 0.5 || return 1
	# Linux and Xen each add a carriage return.
	line=${line//$'\r'/}
}

# Sort a line into the logs, and act on dom0's marks.
take_line()
{
	local stamped name
	stamped="$(seconds_since "$boot_start") $line"
	printf '%s\n' "$stamped" >>"$console"
	[ -z "$current" ] || printf '%s\n' "$stamped" >>"$xen_logs/$current.log"
	case $line in
	"[dom"[A-D0]"] "*)
		name=${line#[}
		printf '%s\n' "$stamped" >>"$xen_logs/${name%%]*}.log"
		;;
	"@@BEGIN "*)
		current=${line#* }
		started=1
		scenario_start=${EPOCHREALTIME/./}
		;;
	"@@END "*)
		if [ "${line##* }" = 0 ]; then
			report passed "$current" "$(seconds_since "$scenario_start")" "$xen_logs/$current.log"
		else
			report failed "$current" "$(seconds_since "$scenario_start")" "$xen_logs/$current.log"
		fi
		current=
		;;
	esac
}

# Boot once and follow it to its end. False when no scenario started.
boot()
{
	local limit=$((SECONDS + boot_limit)) end=$((SECONDS + run_limit)) line
	current=
	started=
	start_machine "$1"
	while is_running qemu; do
		while next_line; do
			take_line
		done
		if [ -n "$started" ] && [ $SECONDS -ge $end ]; then
			note "the run took more than $run_limit s: ended"
			break
		elif [ -z "$started" ] && [ $SECONDS -ge $limit ]; then
			note "no scenario started within $boot_limit s: ended"
			break
		fi
	done
	while next_line; do
		take_line
	done
	stop_machine
	[ -n "$started" ]
}

note()
{
	printf 'bed: %s\n' "$*" | tee -a "$console" ${current:+"$xen_logs/$current.log"} >>"$xen_logs/bed.log"
}

# In emulation boots crash now and then before the project's code runs: retry once.
boot_and_run()
{
	boot 1 && return 0
	note "the boot failed before the first scenario started: once more. Its console is console-1.log"
	cp "$console" "$xen_logs/console-1.log"
	boot 2 || note "the boot failed twice"
}

run()
{
	local status=0
	rm -rf "$xen_logs"
	mkdir -p "$xen_logs"
	: >"$console"
	# Not in a condition of this shell, where errors would not stop it.
	(build_images) >"$xen_logs/bed.log" 2>&1 </dev/null &
	wait $! || status=$?
	if [ $status = 0 ]; then
		boot_and_run
	else
		cp "$xen_logs/bed.log" "$console"
	fi
	report_missing "$console" "${names[@]}"
	[ $n_failed = 0 ]
}

case ${1:-} in
list) list_scenarios "$xen_bed" ;;
images) build_images ;;
run)
	shift
	names=("$@")
	[ ${#names[@]} -gt 0 ] || mapfile -t names < <(list_scenarios "$xen_bed")
	run
	;;
*) fail "usage: bed.sh list | run [NAME...] | images" ;;
esac
