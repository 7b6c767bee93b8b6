# shellcheck shell=bash
# SPDX-License-Identifier: BSD-3-Clause
# Shared by tests of standard clients of a volume, by nbdkit (blk-nbdkit.bash) and by mount
# (blk-mount.bash), which source it. Groups live in a private folder; files in $work, which is
# removed at the end.
#
#   backend NAME VOLUME=STORE...   start fido-blkd as domain NAME, wait until it serves
#   counter NAME KEY               a counter of a stopped client, over all its volumes and queues
#   stop_sound NAME                stop it: no wake-up was lost, the library copied no read, no
#                                  request failed
#   random_file FILE BYTES         create a file of that size with random content
#   expect_same FILE FILE [BYTES]  compare the first bytes of two files
#   expect_verified NAME           fio has exited without finding an error
#   start_disk                     start the backend "disk" with the volume disk, $work/disk.img
#   kill_under NAME TIMES          kill and restart it until NAME has exited, at least TIMES times
#   ticks NAME                     processor time of a process, in hundredths of a second
#   fill_filesystem TREE           make a file system on $disk_device, with copies of a tree
#   check_copy TREE NAME           after a remount, the tree's copy is the same, and fsck is content

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

counter()
{
	grep -a 'volume .* queue [0-9]*: ' "$(log_of "$1")" | grep -ao " $2 [0-9]*" |
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

start_disk()
{
	backend disk "disk=file:$work/disk.img"
}

kill_under()
{
	local name=$1 n=0
	while is_running "$name" && [ $n -lt 40 ]; do
		sleep "0.$((RANDOM % 5 + 1))"
		echo "+ kill -KILL disk"
		kill_hard disk
		n=$((n + 1))
		sleep "0.$((RANDOM % 3))"
		start_disk
	done
	expect_ge $n "$2" "times the backend was killed"
	finish "$name" 60
}

ticks()
{
	awk '{ print $14 + $15 }' "/proc/${lib_pid[$1]}/stat"
}

# Print what diff does not compare: owners, modes, times, links.
describe()
{
	(cd "$1" && find . \( -type d -printf '%P %y %m %U %T@\n' \) -o -printf '%P %y %m %U %T@ %s %n %l\n' | LC_ALL=C sort)
}

fill_filesystem()
{
	local copy
	echo_run mkfs.ext4 -q "$disk_device"
	disk_mount
	for copy in first second third; do
		echo_run cp -a "$1" "$disk_mnt/$copy"
	done
	echo_run rm -r "$disk_mnt/second"
	echo_run fstrim -v "$disk_mnt" || true
	disk_umount
}

check_copy()
{
	local tree=$1 copy=$2
	disk_mount
	echo_run diff -r --no-dereference "$tree" "$disk_mnt/$copy" || fail "the copy $copy differs"
	describe "$tree" >"$work/want"
	describe "$disk_mnt/$copy" >"$work/have"
	echo_run diff "$work/want" "$work/have" || fail "the copy $copy differs in what its files are"
	disk_umount
	echo_run fsck.ext4 -fn "$disk_device" || fail "the file system has errors"
}
