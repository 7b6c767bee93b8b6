#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Proves: a program that cannot write its output (a full disk, no standard output) reports once
# where and why, and exits with a failure; fido-blkd serves on until it is stopped; a reader that
# closes its pipe is not reported as a failure.
#
#	fido-blkd (disk) <--- fido-blk-perf, fido-ctl          fido-fwd (null port to null port)
#
# No hugepages.
# shellcheck source=test/system/blk.bash
. "$(dirname "$0")/blk.bash"
fwd=$FIDO_BUILD/apps/fido-fwd/fido-fwd
[ -x "$fwd" ] || skip "fido-fwd was not built: it needs libdpdk (apt-get install libdpdk-dev)"
message=$lib_dir/message
disk_log=$lib_dir/disk.out

# loses WHY COMMAND...: with its output to /dev/full it says so once, and exits with status 1
loses()
{
	local why=$1 status=0
	shift
	echo "+ $* >/dev/full"
	timeout -k 1 60 "$@" >/dev/full 2>"$message" </dev/null || status=$?
	expect_eq "$status" 1 "exit status, and it says: $(head -n 5 "$message")"
	expect_eq "$(grep -c 'write to /dev/full failed' "$message")" 1 "messages: $(head -n 5 "$message")"
	grep -qF "$(LC_ALL=C python3 -c 'import errno, os; print(os.strerror(errno.'"$why"'))')" "$message" ||
		fail "the message does not say why: $(cat "$message")"
}

# EAL creates its folder here and never removes it.
export RUNTIME_DIRECTORY=$lib_dir
fwd_args=(--no-huge -m 64 --no-pci --no-shconf --no-telemetry --log-level=error --lcores=0@0 --vdev=net_null0 --vdev=net_null1 --)
perf_args=(--group "$fido_group" --domain front --backend disk --volume v --no-hugepages --time 0.3)

echo "+ fido-blkd >/dev/full"
# shellcheck disable=SC2016 # expanded by that bash
start disk bash -c 'exec "$@" >/dev/full 2>"$0"' "$disk_log" "$blkd" --group "$fido_group" --domain disk --hugepages off \
	--volume v=mem:8M
wait_for 20 "! is_running disk || grep -qs 'write to /dev/full failed' '$disk_log'" || fail "fido-blkd does not say that its output is lost"
is_running disk || fail "fido-blkd did not go on: $(cat "$disk_log")"

loses ENOSPC "$ctl" list --group "$fido_group"
loses ENOSPC "$ctl" list --json --group "$fido_group"
loses ENOSPC "$ctl" record --group "$fido_group" --interval 0.1
loses ENOSPC "$ctl" top --json --count 2 --interval 0.1 --group "$fido_group"
loses ENOSPC "$ctl" --help
loses ENOSPC "$blk_perf" "${perf_args[@]}"
loses ENOSPC "$blk_perf" --help
loses ENOSPC "$blkd" --help
loses ENOSPC "$fwd" "${fwd_args[@]}" --duration 0.3 --stats-period 0.1
loses ENOSPC "$fwd" "${fwd_args[@]}" --duration 0.1 --json

echo "+ no standard output"
status=0
"$ctl" list --group "$fido_group" >&- 2>"$message" || status=$?
expect_eq "$status" 1 "fido-ctl without standard output"
grep -q 'write to standard output failed' "$message" || fail "it says: $(cat "$message")"

echo "+ a reader that goes away"
for ignored in '' SIGPIPE; do
	status=0
	# shellcheck disable=SC2016 # expanded by that bash
	bash -c 'trap "" $0; exec "$@"' "${ignored:-SIGUSR1}" "$ctl" top --json --group "$fido_group" --interval 0.05 2>"$message" | head -n 2 >"$lib_dir/head" ||
		status=$?
	expect_eq "$(wc -l <"$lib_dir/head") $(wc -c <"$message")" "2 0" "lines read and bytes of messages: $(cat "$message")"
done
"$fwd" "${fwd_args[@]}" --duration 0.5 --stats-period 0.1 2>"$message" | head -n 1 >"$lib_dir/head"
expect_eq "${PIPESTATUS[0]}" 0 "fido-fwd whose reader has gone, which says: $(cat "$message")"

echo "+ fido-blkd ends"
kill -INT "${lib_pid[disk]}"
wait_for 20 "! is_running disk" || fail "fido-blkd does not exit"
lib_reap disk
expect_eq "$lib_status" 1 "exit status of fido-blkd, whose output was lost"
nothing_runs
