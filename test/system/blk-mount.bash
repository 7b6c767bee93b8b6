# shellcheck shell=bash
# SPDX-License-Identifier: BSD-3-Clause
# Shared by the blk-mount-*.sh tests, which source it first. See blk-client.bash for the rest.
#
#   mount_volume NAME VOLUME [ARG...]  start fido-blk-mount, wait until it serves: `mounted NAME`
#   attach NAME VOLUME [ARG...]        the same with a loop device, $disk_device
#   detach NAME                        stop it, with stop_sound: nothing is left
#   mount_says STATUS TEXT ARG...      run it: it must exit with the status, and a message with the
#                                      text
#   nothing_is_left                    no mount, no loop device of this test, below $mounts_below if
#                                      that is set

# shellcheck source=test/system/blk-client.bash
. "$(dirname "${BASH_SOURCE[0]}")/blk-client.bash"
[ "$(id -u)" = 0 ] || skip "needs root for mounts and loop devices"

mount_volume()
{
	blk_mount "$@" --hugepages off --buffers 16
}

attach()
{
	mount_volume "$@" --loop
	disk_device=$(mounted "$1")
	echo "$disk_device"
}

detach()
{
	stop_sound "$1"
	expect_eq "$(counter "$1" copied_writes)" 0 "$1: writes that were copied"
	disk_device=
	nothing_is_left
}

mount_says()
{
	local want=$1 text=$2 status=0
	shift 2
	echo "+ fido-blk-mount $*"
	timeout -k 1 60 "$blk_mount" "$@" >"$work/said" 2>&1 </dev/null || status=$?
	expect_eq "$status" "$want" "exit status, and it says: $(head -n 5 "$work/said")"
	grep -qF -- "$text" "$work/said" || fail "no message with '$text', but: $(head -n 5 "$work/said")"
}

nothing_is_left()
{
	! grep -F "${mounts_below:-$lib_dir}" /proc/mounts || fail "a mount is left"
	! grep -sF "${mounts_below:-$lib_dir}" /sys/block/loop*/loop/backing_file || fail "a loop device is left"
}
