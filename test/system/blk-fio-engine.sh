#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# Proves: fio loads volumes through the engine. Others read what it writes, and it reads what others
# wrote; it finds a wrong byte. By default, writes are posted by address and reads lend; fsync is a
# flush, sync is FUA, a trim is a discard; several jobs run at once, as threads and as processes. A
# backend that is killed and restarted causes a pause; one that stays away does not keep a job that
# is over. Wrong options are refused, with a message that says what to do.
#
#	fio, 1 to 4 jobs ==> disk: v on mem:, file:
#
set -eu -o pipefail
# shellcheck source=test/system/blk.bash
. "$(dirname "$0")/blk.bash"
engine=$FIDO_BUILD/drivers/blk/fio/fio_fido.so
command -v fio >/dev/null || skip "fio is not installed (apt-get install fio)"
[ -e "$engine" ] || skip "the engine was not built: it needs fio's headers (setup.sh)"

image=$PWD/image
engine_options=("--ioengine=external:$engine" "--group=$fido_group" --volume=v --hugepages=0
	--counters=1)
check=(--verify=crc32c --verify_fatal=1 --verify_state_save=0)

# job NAME [OPTION...]: start fio on v
job()
{
	local name=$1
	shift
	start "$name" fio --name=job "${engine_options[@]}" "$@"
}

# job_done NAME [OPTION...]: the same, and wait until it succeeds
job_done()
{
	job "$@"
	ends_well "$1"
}

ends_well()
{
	finish "$1" 60
	is_right "$1"
}

is_right()
{
	! grep -Eq 'verify: |verify failed|err=[^ ]*[1-9]' "$(log_of "$1")" ||
		fail "$1: $(cat "$(log_of "$1")")"
}

# job_says TEXT [OPTION...]: run fio; it must fail, with a message that contains the text
job_says()
{
	local text=$1 status=0
	shift
	echo "+ fio ... $*"
	timeout -k 1 60 fio --name=job "${engine_options[@]}" "$@" \
		>"$lib_dir/said" 2>&1 </dev/null || status=$?
	[[ $status =~ ^[12]$ ]] ||
		fail "fio exited with status $status, given $*: $(cat "$lib_dir/said")"
	grep -qF -- "$text" "$lib_dir/said" ||
		fail "no message with '$text', but: $(cat "$lib_dir/said")"
}

# counter NAME KEY: print the sum of the counter over all jobs of that fio
counter()
{
	grep -a '^fio: fido: job [0-9]*: ' "$(log_of "$1")" | grep -ao " $2 [0-9]*" |
		awk '{ n += $2 } END { print n + 0 }'
}

expect_counter()
{
	expect_eq "$(counter "$1" "$2")" "$3" \
		"$1: $2 ($(grep -a '^fio: fido: job' "$(log_of "$1")"))"
}

# served KEY: print a counter of the backend: flushes, discards, ...
served()
{
	"$ctl" blk --group "$fido_group" --domain disk --json | jq ".volumes[0].total.$1"
}

# Each job uses its own 16 MiB, makes requests of all sizes, and reads each byte again.
test_jobs()
{
	local jobs=(--numjobs=4 --size=16M --offset_increment=16M --bsrange=4k-128k --iodepth=16
		--verify_backlog=64 "${check[@]}")
	job_done threads --thread --rw=randrw "${jobs[@]}" --fsync=32
	expect_counter threads copied_reads 0
	expect_counter threads copied_writes 0
	expect_ge "$(counter threads lent)" 1000 "lent reads"
	job_done processes --rw=randrw "${jobs[@]}" --sleep=1 --domain=loader
	expect_counter processes copied_reads 0
	job_done copies --rw=randrw "${jobs[@]}" --lend=0 --arena=0
	expect_counter copies lent 0
	expect_ge "$(counter copies copied_reads)" 1000 "copied reads"
	expect_eq "$(counter copies copied_writes)" "$(counter copies writes)" "copied writes"
	# The engine accesses every byte, and does not change what fio verifies.
	job_done touched --rw=randrw --size=8M --bs=4k --iodepth=16 --touch=1 "${check[@]}"
	expect_counter touched copied_writes 0
	job_done bursts --rw=randrw --size=8M --bs=4k --iodepth=64 --iodepth_batch=16 \
		--iodepth_batch_complete_min=4 "${check[@]}"
	job_done deep --rw=randrw --size=8M --bs=4k --iodepth=1024 "${check[@]}"
	links_are_clean
	echo "ok: jobs on $1"
}

# Each job has a domain of its own, with its own name.
test_names()
{
	job names --numjobs=3 --domain=loader --rw=randread --time_based --runtime=60
	wait_for 20 "! is_running names || [ \"\$(\"$ctl\" list --group '$fido_group' --json |
		jq -r '[.domains[].name] | sort | join(\" \")')\" = 'disk loader-0 loader-1 loader-2' ]" ||
		fail "the jobs' names: $("$ctl" list --group "$fido_group")"
	stop names 128
	! grep -a 'not answered' "$(log_of names)" || fail "the jobs gave up, see above"
	echo "ok: names"
}

# Another ioengine of fio accesses the file of the volume.
test_others_see_the_same()
{
	local other=(fio --name=job --ioengine=psync "--filename=$image" "${check[@]}"
		--bs=64k --size=32M)
	job_done writer --rw=randwrite --bs=64k --size=32M --iodepth=32 "${check[@]}" \
		--do_verify=0 --end_fsync=1
	echo_run "${other[@]}" --rw=randread >"$lib_dir/said" 2>&1 ||
		fail "the file does not hold what was written: $(cat "$lib_dir/said")"
	echo_run "${other[@]}" --rw=randwrite --do_verify=0 --randseed=7 >"$lib_dir/said" 2>&1 ||
		fail "psync cannot write to the file: $(cat "$lib_dir/said")"
	job_done reader --rw=randread --randseed=7 --bs=64k --size=32M --iodepth=32 "${check[@]}"
	expect_counter reader lent 512
	echo "+ change one byte of the image"
	alter "$image" $((65536 * 100 + 4444))
	for lend in 0 1; do
		job_says "verify failed" --rw=randread --randseed=7 --bs=64k --size=32M \
			--iodepth=32 --lend=$lend "${check[@]}"
		grep -q "offset $((65536 * 100))," "$lib_dir/said" ||
			fail "the message does not name the offset: $(cat "$lib_dir/said")"
	done
	echo "+ touch=1 writes new contents"
	cp "$image" before
	job_done touching --rw=write --bs=64k --size=32M --iodepth=32 --touch=1 --zero_buffers
	! cmp -s -n $((32 << 20)) "$image" before || fail "nothing was written"
	! cmp -s -n 65536 "$image" /dev/zero || fail "touch=1 wrote fio's buffer as it was"
	echo "ok: others see the same"
}

# Flushes, FUA and discards.
test_kinds()
{
	local before
	before=$(served flushes)
	job_done flushes --rw=write --bs=16k --size=8M --iodepth=8 --fsync=32
	expect_ge "$(counter flushes flushes)" 15 "flushes"
	expect_eq "$(($(served flushes) - before))" "$(counter flushes flushes)" \
		"flushes of the backend"
	echo "+ sync=1 uses FUA, no flushes"
	job_done fua --rw=write --bs=16k --size=1M --sync=1
	expect_counter fua flushes 0
	expect_counter fua writes 64
	echo "+ trims leave zeros"
	before=$(served discards)
	job_done trims --rw=randtrim --bs=16k --size=8M --iodepth=8
	expect_counter trims discards 512
	expect_eq "$(($(served discards) - before))" 512 "discards of the backend"
	cmp -n $((8 << 20)) "$image" /dev/zero || fail "the trimmed part is not zeros"
	job_done both --rw=randtrimwrite --bs=16k --size=8M --iodepth=8
	expect_ge "$(counter both writes)" 512 "writes between trims"
	echo "ok: kinds of requests"
}

# Each written byte survives kills of the backend.
test_backend_killed()
{
	job killed --rw=randrw --bsrange=4k-64k --size=48M --io_size=100g --time_based \
		--runtime=600 --iodepth=32 --verify_backlog=256 "${check[@]}" --domain=killed
	for _ in 1 2 3; do
		moves killed
		kill_hard disk
		sleep 0.1
		disk "file:$image"
	done
	moves killed
	stop killed 128
	is_right killed
	expect_ge "$(counter killed sessions)" 4 "connections to a backend"
	expect_ge "$(counter killed resent)" 1 "requests sent again"
	expect_counter killed copied_writes 0
	links_are_clean
	echo "ok: backend killed"
}

# The contents of a mem: volume are lost with its backend.
test_backend_stays_away()
{
	job lost --rw=randread --time_based --runtime=600 --iodepth=8 --domain=lost
	moves lost
	kill_hard disk
	kill -INT "${lib_pid[lost]}"
	wait_for 30 "! is_running lost" ||
		fail "lost does not exit without a backend: $(cat "$(log_of lost)")"
	lib_reap lost
	[ "$lib_status" != 0 ] || fail "lost succeeded without answers"
	grep -aq 'requests were not answered: is the backend gone' "$(log_of lost)" ||
		fail "lost: $(cat "$(log_of lost)")"
	disk mem:8M
	job stale --rw=randread --time_based --runtime=600 --iodepth=8 --domain=stale
	moves stale
	kill_hard disk
	disk mem:8M
	wait_for 30 "! is_running stale" || fail "stale continues with another volume"
	lib_reap stale
	grep -aqi 'stale file handle' "$(log_of stale)" || fail "stale: $(cat "$(log_of stale)")"
	stop disk
	echo "ok: backend stays away"
}

test_messages()
{
	local status
	job_says "is fido-blkd running in group $fido_group with --domain disk?" \
		--rw=read --connect_timeout=1
	disk mem:8M
	job_says "cannot open volume w of disk" --rw=read --volume=w
	status=0
	echo_run fio --name=job "--ioengine=external:$engine" --group=g --rw=read \
		>"$lib_dir/said" 2>&1 || status=$?
	expect_eq "$status" 1 "exit status without a volume"
	grep -qF "no volume: give group=GROUP and volume=NAME" "$lib_dir/said" ||
		fail "no message about the volume, but: $(cat "$lib_dir/said")"
	job_says "a queue has at most 1024 requests" --rw=read --iodepth=1025
	job_says "a request has at most 1048576 bytes: give a smaller bs=" --rw=read --bs=2m
	job_says "its blocks have 512 bytes: give a multiple as bs=" --rw=write --bs=700
	job_says "conflicts with specified IO engine" --rw=write --mem=malloc
	job_says "unrecognized option '--lent=1'" --rw=read --lent=1
	stop disk
	start disk "$blkd" --group "$fido_group" --domain disk --hugepages off \
		--read-only "v=file:$image"
	wait_for 20 "! is_running disk || grep -q '^fido-blkd: .* as disk' '$(log_of disk)'" ||
		fail "disk does not begin to serve"
	job_says "use rw=read or rw=randread" --rw=write
	job_done reads --rw=read --bs=64k --size=1M
	stop disk
	disk "file:$image"
	job first --rw=randread --time_based --runtime=60 --exclusive=1 --domain=first
	moves first
	job_says "end the other client, or leave exclusive= out" --rw=read
	job_says "give another domain= than first" --rw=read --domain=first
	stop first 128
	stop disk
	echo "ok: messages"
}

disk mem:64M --threads 2
test_jobs mem:
test_names
stop disk
disk "file:$image,create=64M" --threads 2
test_jobs file:
test_others_see_the_same
test_kinds
test_backend_killed
stop disk
disk mem:8M
test_backend_stays_away
test_messages
nothing_runs
