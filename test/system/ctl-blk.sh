#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Proves: `fido-ctl blk` shows of volumes and their clients what the clients did, by their own
# counts, while they are open and after they have closed; rates equal the pace; and a stopped or
# dead backend is reported as such.
#
#	fido-blkd "disk"  v0 (mem:8M), ro (mem:1M, read-only) ==[ 2 queues ]==> blk-client "vm"
#	                 \                                    ==[ 1 queue  ]==> blk-client "vm2"
#	                  '...... fido-ctl blk ......'
#
# No hugepages, no privileges, no DPDK.
# shellcheck disable=SC2016 # variables in single quotes are jq's
set -eu

# shellcheck source=test/lib.sh
. "${FIDO_TOP:-$(cd "$(dirname "$0")/../.." && pwd)}/test/lib.sh"

ctl=$FIDO_BUILD/apps/fido-ctl/fido-ctl
blkd=$FIDO_BUILD/apps/fido-blkd/fido-blkd
client=$FIDO_BUILD/test/system/helpers/blk-client
group=$fido_group
[ -x "$client" ] || fail "there is no $client: build first (meson setup build && ninja -C build)"
[ -x "$ctl" ] || skip "fido-ctl was not built: it needs libcjson (apt-get install libcjson-dev)"
[ -x "$blkd" ] || skip "fido-blkd was not built: it needs liburing and libnbd (apt-get install liburing-dev libnbd-dev)"
command -v jq >/dev/null || skip "jq is not installed: it checks the JSON (apt-get install jq)"

own_rundir
work=$(mktemp -d)
at_exit "rm -rf '$work'"
declare -A answers=() fds=()

# blk STATUS ARGUMENT...: must exit with STATUS, without control characters; output in $work/out
blk()
{
	local want=$1 status=0
	shift
	echo "+ fido-ctl blk $*"
	timeout -k 1 15 "$ctl" blk --group "$group" "$@" >"$work/out" 2>"$work/err" </dev/null || status=$?
	[ "$status" = "$want" ] || fail "exit status $status, not $want: $(tail -n 3 "$work/err")"
	[ -z "$(LC_ALL=C tr -d '[:print:]\n\t' <"$work/out")" ] || fail "control characters in its output"
}

# holds WHAT FILTER: the filter is true of the JSON in $work/out; $vm, $vm2 are the clients' reports
holds()
{
	jq -e --argjson vm "${said_vm:-null}" --argjson vm2 "${said_vm2:-null}" "$2" "$work/out" >"$work/jq" 2>&1 || {
		cat "$work/out"
		fail "$1: not so: $2; vm says: ${said_vm:-nothing}, vm2: ${said_vm2:-nothing}"
	}
	echo "ok: $1"
}

shows()
{
	grep -Eq -- "$1" "$work/out" || fail "no line '$1' in: $(cat "$work/out")"
}

# Read the next line of JSON from a client into $said_NAME.
answer()
{
	local name=$1 line
	answers[$name]=$((${answers[$name]:-0} + 1))
	wait_for 20 "! is_running $name || [ \$(wc -l <'$(log_of "$name")') -ge ${answers[$name]} ]" ||
		fail "$name does not answer"
	line=$(sed -n "${answers[$name]}p" "$(log_of "$name")")
	jq -e .queues <<<"$line" >/dev/null || fail "$name says: $line"
	printf -v "said_$name" %s "$line"
}

# start_client NAME VOLUME QUEUES [exclusive]
start_client()
{
	local name=$1 fd
	shift
	rm -f "$work/$name"
	mkfifo "$work/$name"
	exec {fd}<>"$work/$name"
	fds[$name]=$fd
	answers[$name]=0
	lib_stdin=$work/$name start "$name" "$client" "$group" "$name" disk "$@"
	answer "$name"
}

tell()
{
	local name=$1
	shift
	echo "+ $name: $*"
	echo "$*" >&"${fds[$name]}"
	answer "$name"
}

end_client()
{
	local fd=${fds[$1]}
	echo quit >&"$fd"
	finish "$1" 10
	exec {fd}>&-
}

# A client counts when it polls, the backend when it answers: both count the same completed
# requests.
by_queue='{reads, read_bytes, writes, write_bytes, flushes, discards, write_zeroes, errors}'
sum='[.[] | '$by_queue' | to_entries[]] | group_by(.key) | map({key: .[0].key, value: map(.value) | add}) | from_entries'

test_volumes()
{
	blk 0 --json
	holds "what is served" '[.volumes[] | [.domain, .name, .store, .bytes, .block_size, .clients, .exclusive]] ==
		[["disk", "v0", "mem:8M", 8388608, 512, '"$1"', false], ["disk", "ro", "mem:1M", 1048576, 512, 0, false]]'
	holds "what it can do" '.volumes | map(.features) ==
		[["write", "flush", "fua", "discard", "write_zeroes"], ["flush", "fua"]]'
	holds "nothing is unreadable" '.unreadable == [] and .interval_s == null'
}

# The backend counts a request just after answering it.
settled()
{
	blk 0 --json >"$work/log"
	jq -e --argjson vm "${said_vm:-null}" --argjson vm2 "${said_vm2:-null}" \
		'(.volumes[0].total | '"$by_queue"') == ($vm.queues + ($vm2.queues // []) | '"$sum"')' "$work/out" >"$work/jq"
}

# WHAT: the open queues, and the volume, are as the clients report
test_totals()
{
	wait_for 5 settled || true
	holds "$1: queues" '[.queues[] | select(.client == "vm")] | sort_by(.queue) |
		map(.total | '"$by_queue"') == ($vm.queues | map('"$by_queue"'))'
	holds "$1: pieces that are lent" '([.queues[] | select(.client == "vm") | .pieces_lent] | add) ==
		([$vm.queues[].pieces_lent] | add) and .volumes[0].pieces_lent == ([$vm.queues[].pieces_lent] | add)'
	holds "$1: the volume" '(.volumes[0].total | '"$by_queue"') == ($vm.queues + ($vm2.queues // []) | '"$sum"')'
	holds "$1: all requests" '.volumes[0].total | .requests == .reads + .writes + .flushes + .discards + .write_zeroes'
	holds "$1: the other volume" '.volumes[1].total | all(. == 0)'
}

test_text()
{
	blk 0
	shows '^disk +v0 +mem:8M +8\.0 MiB +512 +write flush fua discard zeroes +2 +no +0$'
	shows '^disk +ro +mem:1M +1\.0 MiB +512 +read-only flush fua +0 +no +0$'
	shows '^disk +v0 +vm +1 +[0-9]+ '
	shows '^disk +v0 +vm2 +0 +[0-9]+ '
	blk 0 --domain vm
	! grep -q '^disk' "$work/out" || fail "--domain vm shows disk's volumes"
	blk 1 --domain nobody
	echo "ok: as text"
}

reads_go_on()
{
	local n
	n=$("$ctl" blk --group "$group" --json | jq '.volumes[0].total.reads')
	sleep 0.05
	[ "$("$ctl" blk --group "$group" --json | jq '.volumes[0].total.reads')" -gt "$n" ]
}

test_rates()
{
	tell vm pace 2000 4096
	# Do not check the number: a busy machine reads as much as it can. Compare the counts with
	# the time taken.
	wait_for 20 reads_go_on || fail "no reads"
	blk 0 --json --count 2 --interval 1.5
	jq -s '.[1] + {before: .[0]}' "$work/out" >"$work/both"
	mv "$work/both" "$work/out"
	holds "rates are what was counted, by the time" '.interval_s as $s | .before as $before |
		(.volumes[0].total.reads - $before.volumes[0].total.reads) as $reads |
		.volumes[0].per_second | $s > 1 and .reads > 0 and (.reads * $s - $reads | fabs < 1) and .requests == .reads and .writes == 0 and
		(.read_bytes / .reads | . > 4095 and . < 4097)'
	holds "and so for the queues" '.interval_s as $s | [.before.queues[] | select(.client == "vm") | .total.reads] as $before |
		(([.queues[] | select(.client == "vm") | .total.reads] | add) - ($before | add)) as $reads |
		[.queues[] | select(.client == "vm") | .per_second.reads] | add * $s - $reads | fabs < 1'
	blk 0 --count 3 --interval 0.2 --json
	expect_eq "$(wc -l <"$work/out")" 3 "lines of JSON"
	blk 0 --rates
	shows '^over [0-9.]+ s:$'
	shows '^disk +v0 +[0-9.]+ k?IOPS +[0-9.]+ k?/s +[0-9.]+ MB/s '
	tell vm pace 0 0
	echo "ok: rates"
}

test_stopped()
{
	local status
	echo "+ kill -STOP disk"
	kill -STOP "${lib_pid[disk]}"
	blk 0
	shows '^disk: not answering$'
	blk 0 --json
	holds "a stopped backend shows nothing" '.volumes == [] and .queues == [] and
		(.domains | map(select(.name == "disk").state)) == ["not_answering"]'
	kill -CONT "${lib_pid[disk]}"
}

start disk "$blkd" --group "$group" --domain disk --volume v0=mem:8M --read-only ro=mem:1M --hugepages off
wait_for 20 "grep -q 'volumes in group' '$(log_of disk)'" || fail "fido-blkd does not start"
blk 1 --json --domain nobody
test_volumes 0
start_client vm v0 2
test_volumes 1
test_totals "at first"
tell vm write 11 4096
tell vm read 7 65536
tell vm flush 3
tell vm discard 5 8192
tell vm zeroes 2 16384
test_totals "some of each"
tell vm lend 9 16384
test_totals "some are lent"
start_client vm2 v0 1
tell vm2 write 4 512
test_totals "two clients"
test_text
tell vm release
# A sleeping backend is not woken for them: it takes them back with the next request.
tell vm flush 1
wait_for 10 "$ctl blk --group $group --json | jq -e '.volumes[0].pieces_lent == 0' >/dev/null" || fail "lent pieces do not return"
end_client vm2
# The backend notices that it has gone, and keeps its counts.
wait_for 10 "$ctl blk --group $group --json | jq -e '.volumes[0].clients == 1' >/dev/null" || fail "vm2 is still a client"
test_totals "one has closed"
blk 0 --json
holds "its queue is gone" '[.queues[].client] | unique == ["vm"]'
test_rates
test_stopped
tell vm write 10 512
tell vm report
test_totals "nothing was disturbed"
end_client vm
start_client vm v0 1 exclusive
blk 0 --json
holds "one has it for itself" '.volumes[0] | .exclusive and .clients == 1'
end_client vm
stop disk
blk 1
grep -q 'there is no such group' "$work/err" || fail "$(cat "$work/err")"
