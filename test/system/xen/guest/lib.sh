# shellcheck shell=dash
# SPDX-License-Identifier: BSD-3-Clause
# Helpers for the scenarios, which run in dom0 under `sh -eu`. NAME is domA..domD, or dom0 where
# noted. A scenario may contain `# limit: SECONDS` (default 600).
#
#   create NAME...           new guests, up; a running one of that name is destroyed first
#   launch NAME, await NAME  the same in two steps: it has a domid; it is up
#   need NAME...             create those that do not run
#   destroy NAME             as a power cut
#   domid NAME               (dom0 too)
#   on NAME CMD...           (dom0 too) run it with sh -c; fail unless its status is 0
#   try NAME CMD...          (dom0 too) the same, but return the status
#   output NAME              (dom0 too) the last 1900 bytes of the last command's output
#   bg NAME JOB CMD...       (dom0 too) run it in the background
#   wait_bg NAME JOB SECONDS (dom0 too) wait until it exits; fail unless its status is 0
#   try_wait_bg ...          the same, but return the status; 124: it still runs
#   await_bg NAME JOB SECONDS REGEX
#                            (dom0 too) until a line of its output matches; fail if it exits before
#   kill_bg NAME JOB SIGNAL  (dom0 too)
#   log_bg NAME JOB          (dom0 too) its output so far
#   wait_for SECONDS COND    wait until the shell condition holds; false when it never did
#   expect_eq A B MSG, expect_ge A B MSG
#                            fail unless A = B, A >= B (numbers)
#   fail MSG                 end the scenario
#
# Environment of create: MEMORY (MiB), CONFIG (more lines of xl configuration)

bed=/run/bed
on_limit=60
# Limits fit a quiet machine; a busy one gets this many times as long. As in job.c.
patience=4

up()
{
	cut -d' ' -f1 /proc/uptime
}

say()
{
	echo "[dom0] $(up) $*"
}

fail()
{
	say "FAIL: $*"
	exit 1
}

expect_eq()
{
	[ "$1" = "$2" ] || fail "${3:-values differ}: '$1' is not '$2'"
}

expect_ge()
{
	[ "$1" -ge "$2" ] || fail "${3:-value too small}: $1 is less than $2"
}

wait_for()
{
	local n=0
	until eval "$2"; do
		n=$((n + 1))
		[ $n -le $(($1 * 10 * patience)) ] || return 1
		usleep 100000
	done
}

# --- guests ---

domid()
{
	if [ "$1" = dom0 ]; then
		echo 0
	else
		cat $bed/"$1".domid
	fi
}

# Whether it exists, not whether it works.
is_running()
{
	[ -e $bed/"$1".domid ] && [ -n "$(xenstore-read "/local/domain/$(domid "$1")/name" 2>/dev/null)" ]
}

# A common TSC: without "native" Xen may trap each rdtsc, and scales it to its own clock. A booting
# guest goes before guests that poll.
guest_config()
{
	cat <<-END
	name = "$1"
	type = "pv"
	kernel = "/boot/vmlinux"
	ramdisk = "/boot/domu.cpio"
	extra = "console=hvc0 loglevel=5 panic=1 rodata=off mitigations=off print-fatal-signals=1 tsc=reliable"
	memory = ${MEMORY:-256}
	vcpus = 1
	cpu_weight = 65535
	tsc_mode = "native"
	on_poweroff = "destroy"
	on_reboot = "destroy"
	on_crash = "destroy"
	${CONFIG:-}
	END
}

launch()
{
	! is_running "$1" || destroy "$1"
	say "create $1"
	guest_config "$1" >$bed/"$1".xl
	timeout $((60 * patience)) xl create $bed/"$1".xl >$bed/xl.out 2>&1 || fail "xl create $1: $(cat $bed/xl.out)"
	xl domid "$1" >$bed/"$1".domid
}

is_up()
{
	[ "$(xenstore-read "/local/domain/$(domid "$1")/data/status" 2>/dev/null)" = up ]
}

await()
{
	wait_for 60 "is_up $1 || ! is_running $1" && is_running "$1" || fail "$1 does not come up"
	xl sched-credit2 -d "$1" -w 256 || true
	say "$1 is up: domain $(domid "$1")"
}

create()
{
	local name
	for name in "$@"; do
		launch "$name"
	done
	for name in "$@"; do
		await "$name"
	done
}

need()
{
	local name missing=
	for name in "$@"; do
		is_running "$name" || missing="$missing $name"
	done
	# shellcheck disable=SC2086 # separate names
	[ -z "$missing" ] || create $missing
}

destroy()
{
	say "destroy $1"
	timeout $((60 * patience)) xl destroy "$1" || fail "xl destroy $1"
	rm -f $bed/"$1".domid
}

running_guests()
{
	local file name
	for file in "$bed"/*.domid; do
		name=$(basename "$file" .domid)
		! is_running "$name" || echo "$name"
	done
}

# --- commands ---

try()
{
	local name=$1 status=0
	shift
	: >"$bed/$name.out"
	if [ "$name" = dom0 ]; then
		say "+ $*"
		sh -c "$*" </dev/null >$bed/dom0.out 2>&1 || status=$?
		sed 's/^/[dom0] /' $bed/dom0.out
		return $status
	fi
	agent call "$(domid "$name")" $((on_limit * patience)) "$bed/$name.out" "$*"
}

on()
{
	local status=0
	try "$@" || status=$?
	case $status in
	0) ;;
	124) fail "no answer from $*" ;;
	125) fail "went away: $*" ;;
	*) fail "status $status on $*: $(output "$1" | tail -n 3)" ;;
	esac
}

output()
{
	tail -c 1900 "$bed/$1.out"
}

# Quote a command as one argument of a shell's command line.
quoted()
{
	printf "'%s'" "$(printf %s "$*" | sed "s/'/'\\\\''/g")"
}

bg()
{
	local name=$1 job=$2
	shift 2
	on "$name" "job start $job $(quoted "$*")"
}

try_wait_bg()
{
	on_limit=$(($3 + 30)) try "$1" "job wait $2 $3"
}

wait_bg()
{
	local status=0
	try_wait_bg "$@" || status=$?
	[ $status = 0 ] || fail "status $status of $2 on $1: $(output "$1" | tail -n 3)"
}

await_bg()
{
	on_limit=$(($3 + 30)) on "$1" "job await $2 $3 $(quoted "$4")"
}

kill_bg()
{
	on "$1" "job kill $2 $3"
}

log_bg()
{
	on "$1" "job log $2" >/dev/null
	output "$1"
}

# --- the end of a scenario ---

# Stop all jobs; fail on any unexpected crash, in the project or in the emulation.
finish()
{
	local name
	for name in dom0 $(running_guests); do
		on "$name" "job clean; ! crashes.sh"
	done
}
