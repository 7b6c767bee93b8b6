# shellcheck shell=bash
# SPDX-License-Identifier: BSD-3-Clause
# Shared by the blk-nbdkit-*.sh tests, which source it first. Groups live in a private folder; files
# in $work, which is removed at the end.
#
#   backend NAME VOLUME=STORE...   start fido-blkd as domain NAME, wait until it serves
#   serve NAME ARG...              start nbdkit with the plugin, wait until it answers
#   counter NAME KEY               a counter of a stopped nbdkit, over all its volumes and queues
#   stop_sound NAME                stop nbdkit: no wake-up was lost, the library copied no read, no
#                                  request failed
#   random_file FILE BYTES         create a file of that size with random content
#   expect_same FILE FILE [BYTES]  compare the first bytes of two files
#   expect_verified NAME           fio has exited without finding an error

FIDO_TOP=${FIDO_TOP:-$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)}
# shellcheck source=test/lib.sh
. "$FIDO_TOP/test/lib.sh"
own_rundir
work=$(mktemp -d)
at_exit 'rm -rf "$work"'

backend()
{
	local name=$1 volume args=()
	shift
	for volume in "$@"; do
		args+=(--volume "$volume")
	done
	blkd "$name" --hugepages off --buffers 16 "${args[@]}"
}

serve()
{
	nbdkit_fido "$@" hugepages=off
}

counter()
{
	grep -a 'debug: volume .* queue' "$(log_of "$1")" | grep -ao " $2 [0-9]*" |
		awk '{ n += $2 } END { print n + 0 }'
}

stop_sound()
{
	stop "$1"
	expect_eq "$(counter "$1" late)" 0 "$1: wake-ups that were lost"
	expect_eq "$(counter "$1" copied_reads)" 0 "$1: reads that the library copied"
	expect_eq "$(counter "$1" errors)" 0 "$1: requests that failed"
}

random_file()
{
	head -c "$2" /dev/urandom >"$1"
}

expect_same()
{
	cmp ${3:+-n "$3"} "$1" "$2" || fail "$1 and $2 differ"
}

expect_verified()
{
	! grep -Eq 'verify: |verify failed' "$(log_of "$1")" || fail "$1: $(cat "$(log_of "$1")")"
}
