#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Proves: a user without privileges can mount a volume by fusermount3, use it, and have it unmounted
# at SIGTERM; a dead mount of the user's is replaced. --loop is refused with a message that says
# what it needs.
#
#	user 65534: dd -- FUSE: fido-blk-mount ==> fido-blkd: memory
set -eu
# shellcheck source=test/system/blk-mount.bash
. "$(dirname "$0")/blk-mount.bash"
command -v fusermount3 >/dev/null || skip "fusermount3 is not installed (apt-get install fuse3)"
as_user=(setpriv --reuid 65534 --regid 65534 --clear-groups)
"${as_user[@]}" true 2>/dev/null || skip "cannot become another user"
"${as_user[@]}" test -r /dev/fuse -a -w /dev/fuse || skip "users may not open /dev/fuse here"

# Other users may have no access to the build folder, nor to what lies below a test run's own folder.
home=$(mktemp -d /run/fido-nobody.XXXXXX)
at_exit 'rm -rf "$home"'
mkdir "$home/mnt"
cp "$blk_mount" "$FIDO_BUILD/apps/fido-blkd/fido-blkd" "$home"
random_file "$home/random" 8M
rmdir "$FIDO_RUNDIR"
lib_rundir=$(mktemp -d /run/fido-nobody.XXXXXX)
export FIDO_RUNDIR=$lib_rundir
chown -R 65534:65534 "$home" "$lib_rundir"
mounts_below=$home

mount_as_user()
{
	start user "${as_user[@]}" "$home/fido-blk-mount" --group "$fido_group" --volume v --hugepages off --buffers 16 --counters \
		"$@" "$home/mnt"
	wait_for 20 "! is_running user || grep -aq '^/' '$(log_of user)'" || fail "not mounted after 20 s"
}

start disk "${as_user[@]}" "$home/fido-blkd" --group "$fido_group" --domain disk --hugepages off --buffers 16 --volume v=mem:16M
wait_for 20 "! is_running disk || grep -q 'in group' '$(log_of disk)'" || fail "fido-blkd does not serve"
for ends in stop kill; do
	mount_as_user
	file=$(mounted user)
	echo_run "${as_user[@]}" dd if="$home/random" of="$file" bs=64k conv=notrunc,fsync status=none
	echo_run "${as_user[@]}" cmp -n 8M "$home/random" "$file"
	if [ $ends = stop ]; then
		stop_sound user
		nothing_is_left
	else
		kill_hard user
	fi
done
mount_as_user
grep -q 'has died: unmounting it' "$(log_of user)" || fail "nothing said of the dead mount"
stop_sound user
nothing_is_left

mount_as_user --loop
finish user 20 1
grep -q 'no loop device for .*: run it as root, or leave --loop out' "$(log_of user)" || fail "it says: $(cat "$(log_of user)")"
nothing_is_left
stop disk
