#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Proves: what cannot be mounted is refused with a message that says what was tried, why it failed
# and what to do, with an exit status other than 0, and leaves nothing behind.
#
#	fido-blk-mount --X--> fido-blkd: memory
set -eu
# shellcheck source=test/system/blk-mount.bash
. "$(dirname "$0")/blk-mount.bash"

dir=$lib_dir/dir
mkdir "$dir" "$lib_dir/full"
touch "$lib_dir/full/file" "$lib_dir/file"
here=(--group "$fido_group" --volume v --hugepages off)

echo "--- usage"
mount_says 2 "which group? give --group NAME" --volume v "$dir"
mount_says 2 "which volume? give --volume NAME" --group "$fido_group" "$dir"
mount_says 2 "mount it where? give an empty directory" "${here[@]}"
mount_says 2 "give one mountpoint only" "${here[@]}" "$dir" "$dir"
mount_says 2 "--queues '0': give a number from 1 to" "${here[@]}" --queues 0 "$dir"
mount_says 2 "--mode '9': give an octal number from 0 to 777" "${here[@]}" --mode 9 "$dir"
mount_says 2 "--sector-size '700': give a power of two" "${here[@]}" --sector-size 700 --loop "$dir"
mount_says 2 "is of a loop device: give --loop" "${here[@]}" --sector-size 512 "$dir"
mount_says 2 "there is no user 'nobody-at-all'" "${here[@]}" --owner nobody-at-all "$dir"
mount_says 2 "without a slash" --group "$fido_group" --volume a/b "$dir"
mount_says 2 "'--wrong' is unknown" "${here[@]}" --wrong "$dir"
mount_says 0 "usage: fido-blk-mount" --help

echo "--- the mountpoint"
mount_says 1 "cannot mount on $lib_dir/none: No such file or directory: create it: mkdir -p $lib_dir/none" "${here[@]}" "$lib_dir/none"
mount_says 1 "cannot mount on $lib_dir/file: it is not a directory" "${here[@]}" "$lib_dir/file"
mount_says 1 "cannot mount on $lib_dir/full: it is not empty" "${here[@]}" "$lib_dir/full"

echo "--- the backend"
mount_says 1 "is fido-blkd running in group $fido_group with --domain disk?" "${here[@]}" --timeout 1 "$dir"
backend disk v=mem:8M
mount_says 1 "cannot open volume w of disk" --group "$fido_group" --volume w "$dir"
mount_says 1 "give another --domain than disk" "${here[@]}" --domain disk "$dir"

echo "--- in use"
mount_volume mount v --exclusive
mount_says 1 "is mounted there: give another directory, or unmount it first" "${here[@]}" "$lib_dir/mount.mnt"
mount_says 1 "end the other client, or leave --exclusive out" "${here[@]}" "$dir"
detach mount

echo "--- devices"
# COMMANDS TEXT ARG...: in a mount namespace of its own, after these commands
after()
{
	local commands=$1 text=$2 status=0
	shift 2
	echo "+ $commands; fido-blk-mount $*"
	unshare -m sh -ec "$commands; exec \"\$@\"" sh "$blk_mount" "${here[@]}" "$@" >"$work/said" 2>&1 </dev/null || status=$?
	expect_eq $status 1 "exit status, and it says: $(head -n 5 "$work/said")"
	grep -qF -- "$text" "$work/said" || fail "no message with '$text', but: $(head -n 5 "$work/said")"
}
after "mount --bind /dev/null /dev/loop-control" "no loop device for $dir/v: cannot find a free device by /dev/loop-control" --loop "$dir"
after "mount -t tmpfs tmpfs /dev" "cannot open /dev/fuse: No such file or directory: load the kernel's module" "$dir"
if setpriv --reuid 65534 --regid 65534 --clear-groups true 2>/dev/null; then
	touch "$work/closed"
	chmod 600 "$work/closed"
	chmod 755 "$lib_dir" "$dir"
	after "mount --bind $work/closed /dev/fuse; set -- setpriv --reuid 65534 --regid 65534 --clear-groups \"\$@\"" \
		"cannot open /dev/fuse: Permission denied: run it as a user who may" "$dir"
fi
nothing_is_left
stop disk
