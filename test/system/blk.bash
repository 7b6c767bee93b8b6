# shellcheck shell=bash
# SPDX-License-Identifier: BSD-3-Clause
# Shared by the blk-*.sh tests, which source it first. The group lives in a private folder.
#
#   disk STORE [ARG...]        start the backend "disk" with the volume v, wait until it serves
#   perf NAME [ARG...]         start fido-blk-perf on v, as domain NAME
#   perf_done NAME [ARG...]    the same, and wait until it exits: all right, all answered
#   perf_says STATUS TEXT ARG...
#                              run it: it must exit with the status, and a message with the text
#   expect_perf NAME FILTER    the jq filter is true of its JSON
#   perf_posted NAME           commands that it has sent to the backend over its present link
#   moves NAME                 it sends commands, and goes on doing so
#   alter FILE OFFSET          make the byte there another one
#   links_are_clean            nothing is out, held or stranded on the backend's links
#   nothing_runs               no process that this test started is left

FIDO_TOP=${FIDO_TOP:-$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)}
# shellcheck source=test/lib.sh
. "$FIDO_TOP/test/lib.sh"
own_rundir
blkd=$FIDO_BUILD/apps/fido-blkd/fido-blkd
blk_perf=$FIDO_BUILD/apps/fido-blk-perf/fido-blk-perf
ctl=$FIDO_BUILD/apps/fido-ctl/fido-ctl
[ -x "$blkd" ] || skip "fido-blkd was not built: it needs liburing and libnbd (apt-get install liburing-dev libnbd-dev)"
[ -x "$blk_perf" ] || skip "fido-blk-perf was not built: it needs libisal (apt-get install libisal-dev)"

disk()
{
	local store=$1
	shift
	start disk "$blkd" --group "$fido_group" --domain disk --hugepages off --volume "v=$store" "$@"
	wait_for 20 "! is_running disk || grep -q '^fido-blkd: .* as disk' '$(log_of disk)'" || fail "disk does not begin to serve"
	is_running disk || fail "disk did not start: $(tail -n 5 "$(log_of disk)")"
}

perf()
{
	local name=$1
	shift
	start "$name" "$blk_perf" --group "$fido_group" --domain "$name" --backend disk --volume v --no-hugepages "$@"
}

perf_done()
{
	perf "$@"
	wait_for 60 "! is_running '$1'" || fail "$1 did not exit within 60 s"
	lib_reap "$1"
	[ "$lib_status" = 0 ] || fail "$1 exited with status $lib_status: $(head -n 7 "$(log_of "$1")")"
	expect_perf "$1" '.failures == 0 and .errors == 0 and .unanswered == 0 and .verify.wrong == 0'
}

perf_says()
{
	local want=$1 text=$2 status=0
	shift 2
	echo "+ fido-blk-perf $*"
	timeout -k 1 60 "$blk_perf" "$@" >"$lib_dir/said" 2>&1 </dev/null || status=$?
	expect_eq "$status" "$want" "exit status, and it says: $(head -n 5 "$lib_dir/said")"
	grep -qF -- "$text" "$lib_dir/said" || fail "no message with '$text', but: $(head -n 5 "$lib_dir/said")"
}

expect_perf()
{
	[ "$(result "$1" "$2")" = true ] || fail "$1: not so: $2: $(grep -a '^{' "$(log_of "$1")")"
}

perf_posted()
{
	local n
	n=$("$ctl" stats --group "$fido_group" --domain "$1" --json 2>/dev/null |
		jq '[.queues[] | select(.direction == "tx") | .total.posted] | add // 0' 2>/dev/null) || true
	echo "${n:-0}"
}

moves()
{
	local before
	wait_for 20 "! is_running '$1' || [ \$(perf_posted '$1') -gt 0 ]" || fail "$1 sends nothing"
	before=$(perf_posted "$1")
	wait_for 20 "! is_running '$1' || [ \$(perf_posted '$1') -gt $((before + 100)) ]" || fail "$1 stands still: $before commands"
	is_running "$1" || fail "$1 exited by itself: $(tail -n 20 "$(log_of "$1")")"
}

links_are_clean()
{
	wait_for 20 "\"$ctl\" links --group '$fido_group' --domain disk --json |
		jq -e '[.links[] | .buffers_out, .buffers_held, .stranded] | all(. == 0 or . == null)' >/dev/null &&
		\"$ctl\" blk --group '$fido_group' --domain disk --json | jq -e '.volumes | all(.pieces_lent == 0)' >/dev/null" ||
		fail "buffers are missing: $("$ctl" links --group "$fido_group" --domain disk; "$ctl" blk --group "$fido_group")"
}

# Their memory, huge pages and descriptors go with them.
nothing_runs()
{
	local pid
	for pid in /proc/[0-9]*; do
		case $(readlink "$pid/exe" 2>/dev/null || true) in
		"$(realpath "$blkd")" | "$(realpath "$blk_perf")") ;;
		*) continue ;;
		esac
		! tr '\0' '\n' 2>/dev/null <"$pid/environ" | matches -x "FIDO_RUNDIR=$FIDO_RUNDIR" ||
			fail "a process is left: ${pid#/proc/} $(tr '\0' ' ' <"$pid/cmdline")"
	done
}

# alter FILE OFFSET: make the byte there another one
alter()
{
	local byte
	byte=$(od -An -tu1 -j "$2" -N 1 "$1")
	# shellcheck disable=SC2059 # the format is the byte
	printf "\\$(printf %o $((byte ^ 255)))" | dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}
