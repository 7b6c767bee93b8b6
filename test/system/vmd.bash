# shellcheck shell=bash
# SPDX-License-Identifier: BSD-3-Clause
# For the tests of fido-vmd: groups in a folder of the test's own, with memory in another one.
#
#   create NAME ARG...            create a group, small
#   serve NAME ARG...             start fido-vmd serve
#   vmd_says STATUS TEXT ARG...   run fido-vmd: it must exit with STATUS, and say TEXT
#   member NAME SOCKET GENERATION [observes]
#                                 start a member (helpers/vmd-member.c) at a socket of the group
#   tell NAME COMMAND...          give it a command
#   hears NAME TEXT               wait until it has printed a line with TEXT, which was not asked
#                                 for before
#   hears_nothing NAME TEXT       it has printed no such line
#   is_free N                     wait until a slot of $group is free
#   stop_serving NAME             stop it, and destroy $group
#   slot N FILTER                 apply jq to what fido-vmd list says of a slot of $group
set -eu -o pipefail

# shellcheck source=test/lib.sh
. "${FIDO_TOP:-$(cd "$(dirname "$0")/../.." && pwd)}/test/lib.sh"

vmd=$FIDO_BUILD/apps/fido-vmd/fido-vmd
vmd_member=$FIDO_BUILD/test/system/helpers/vmd-member
group=$fido_group
[ -x "$vmd" ] || skip "fido-vmd was not built: it needs libcjson (apt-get install libcjson-dev)"
[ -x "$vmd_member" ] || fail "there is no $vmd_member: build first (meson setup build && ninja -C build)"
command -v jq >/dev/null || skip "jq is not installed: it reads the JSON (apt-get install jq)"

own_rundir
folder=$FIDO_RUNDIR/vm.$group
memory=$lib_dir/memory
mkdir "$memory"
declare -A vmd_fd=() vmd_heard=()

create()
{
	local name=$1
	shift
	echo_run "$vmd" create "$name" --size 8M --memory "$memory" "$@"
}

serve()
{
	local name=$1
	shift
	start "$name" "$vmd" serve "$@"
	wait_for 10 "! is_running '$name' || grep -q serving '$(log_of "$name")'" || fail "$name does not serve"
	is_running "$name" || fail "$name did not start: $(tail -n 3 "$(log_of "$name")")"
}

vmd_says()
{
	local want=$1 text=$2 status=0
	shift 2
	echo "+ fido-vmd $*"
	timeout -k 1 20 "$vmd" "$@" >"$lib_dir/said" 2>&1 </dev/null || status=$?
	expect_eq $status "$want" "exit status of fido-vmd $*; it says: $(head -n 5 "$lib_dir/said")"
	[ -z "$text" ] || grep -qF -- "$text" "$lib_dir/said" || fail "no message with '$text', but: $(head -n 5 "$lib_dir/said")"
}

member()
{
	local name=$1 socket=$2 fd
	shift 2
	rm -f "$lib_dir/$name.in"
	mkfifo "$lib_dir/$name.in"
	exec {fd}<>"$lib_dir/$name.in"
	vmd_fd[$name]=$fd
	vmd_heard[$name]=0
	lib_stdin=$lib_dir/$name.in start "$name" "$vmd_member" "$folder/$socket" "$name" "$@"
	hears "$name" CONNECTED
}

tell()
{
	local name=$1
	shift
	echo "+ $name: $*"
	echo "$*" >&"${vmd_fd[$name]}"
}

# Find the first line with that text among those that no earlier call has found.
vmd_find()
{
	tail -n +$((vmd_heard[$1] + 1)) "$(log_of "$1")" | grep -nF -m 1 -- "$2" | cut -d: -f1
}

hears()
{
	wait_for 10 "[ -n \"\$(vmd_find '$1' '$2')\" ]" ||
		fail "$1 does not hear '$2', but: $(tail -n +$((vmd_heard[$1] + 1)) "$(log_of "$1")")"
	vmd_heard[$1]=$((vmd_heard[$1] + $(vmd_find "$1" "$2")))
	echo "ok: $1 hears $2"
}

hears_nothing()
{
	[ -z "$(vmd_find "$1" "$2")" ] || fail "$1 hears '$2'"
	echo "ok: $1 does not hear $2"
}

slot()
{
	"$vmd" list "$group" --json | jq -r ".[0].slots[$1] | $2"
}

is_free()
{
	wait_for 10 "[ \"\$(slot $1 .state)\" = free ]" || fail "slot $1 does not become free: $(slot "$1" .)"
	echo "ok: slot $1 is free"
}

stop_serving()
{
	stop "$1"
	echo_run "$vmd" destroy "$group" --force
}
