#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Proves: while both sides are busy the data path makes no system call: neither the sender's, nor a
# forwarder's, nor the receiver's thread, in any Rx mode.
#
#   testpmd txonly ==> fido-fwd ==> testpmd rxonly
#
# strace counts the system calls of each forwarding thread for 2 seconds.
set -eu
# shellcheck source=test/system/mmnet.bash
. "$(dirname "$0")/mmnet.bash"
need_hugepages 512
command -v strace >/dev/null || skip "strace is not installed: apt-get install strace"

# worker NAME: the thread that forwards; the main one waits for commands, or watches the links
worker()
{
	local task
	for task in "/proc/${lib_pid[$1]}/task"/*; do
		if [ "$(cat "$task/comm")" = rte-worker-1 ]; then
			basename "$task"
			return
		fi
	done
	fail "$1 has no thread rte-worker-1"
}

# watch NAME...: none of their workers may make a system call in 2 seconds
watch()
{
	local name status pids=()
	for name in "$@"; do
		echo "+ strace -c -p $(worker "$name")   ($name)"
		timeout -s INT -k 5 2 strace -c -o "$lib_dir/$name.calls" -p "$(worker "$name")" 2>"$lib_dir/$name.strace" &
		pids+=($!)
	done
	for name in "${pids[@]}"; do
		status=0
		wait "$name" || status=$?
		[ $status = 124 ] || [ $status = 0 ] || [ $status = 130 ] ||
			skip "strace cannot attach: $(cat "$lib_dir"/*.strace)"
	done
	for name in "$@"; do
		[ ! -s "$lib_dir/$name.calls" ] || fail "$name made system calls:
$(cat "$lib_dir/$name.calls")"
	done
}

# received NAME PORT: its count of packets goes up
received()
{
	local before
	before=$(xstat "$1" "$2" rx_good_packets)
	wait_for 10 "[ \$(xstat $1 $2 rx_good_packets) -gt $((before + 10000)) ]" || fail "$1 receives nothing"
}

start_testpmd()
{
	testpmd tx "$(on2 0)" "$(dev 0 tx "$1")" -- --forward-mode=txonly --txpkts=64,200
	testpmd rx "$(on2 1)" "$(dev 0 rx "$2" "rx=$3")" -- --forward-mode=rxonly "${@:4}"
	testpmd_cmd rx start >/dev/null
	testpmd_cmd tx start >/dev/null
}

for rx in zero copy header; do
	echo "--- sender and receiver, rx=$rx"
	options=()
	[ $rx != header ] || options=(--enable-scatter)
	start_testpmd rx tx $rx ${options[@]+"${options[@]}"}
	received rx 0
	watch tx rx
	received rx 0
	stop tx
	stop rx
done

echo "--- a forwarder between them"
fido_fwd fwd "$(on2 1)" "$(dev 0 fwd tx rx=zero)" "$(dev 1 fwd rx rx=zero)" -- --mode mac --on-down hold --stats-period 0 \
	--json
start_testpmd fwd fwd zero
received rx 0
watch fwd
received rx 0
stop tx
stop fwd
stop rx
expect_eq "$(result fwd .lost),$(result fwd .full_copies)" 0,0 "fwd: lost, copied"
