# shellcheck shell=bash
# SPDX-License-Identifier: BSD-3-Clause
# Commands and jobs in virtual machines by the names that they have in Xen's bed (guest/lib.sh), for
# the helpers of both beds.
#
# A name can also be that of a place on the host: `place NAME COMMAND...` says that its jobs are run
# there as COMMAND... JOB, such as bash -c. Each has a name of its own, as of test/lib.sh's start.
# shellcheck disable=SC2034,SC2154

declare -A places=()

place()
{
	places[$1]=1
	printf '%s\0' "${@:2}" >"$lib_dir/place.$1"
}

on()
{
	vm_sh "$1" "${*:2}" >"$lib_dir/$1.out" || fail "'${*:2}' fails in $1: $(tail -n 3 "$lib_dir/$1.out")"
}

output()
{
	cat "$lib_dir/$1.out"
}

bg()
{
	local command
	if [ -z "${places[$1]:-}" ]; then
		vm_job "$1" "$2" "${*:3}"
	else
		mapfile -d '' command <"$lib_dir/place.$1"
		lib_prefix[$2]=$lib_id-$2
		start "$2" env "FIDO_PREFIX=$lib_id-$2" "${command[@]}" "${*:3}" >&2
	fi
}

try_wait_bg()
{
	if [ -z "${places[$1]:-}" ]; then
		vm_wait "$@" >"$lib_dir/$1.out"
	else
		wait_for "$3" "! is_running '$2'" || return 124
		cp "$(log_of "$2")" "$lib_dir/$1.out"
		lib_reap "$2"
		return "$lib_status"
	fi
}

wait_bg()
{
	try_wait_bg "$@" || fail "$2 fails in $1: $(tail -n 3 "$lib_dir/$1.out")"
}

kill_bg()
{
	if [ -z "${places[$1]:-}" ]; then
		vm_kill_job "$@"
	else
		kill "-$3" "${lib_pid[$2]}"
	fi
}

log_bg()
{
	if [ -z "${places[$1]:-}" ]; then
		vm_log "$@"
	else
		cat "$(log_of "$2")"
	fi
}

say()
{
	vm_say "$@"
}

quoted()
{
	vm_quoted "$*"
}
