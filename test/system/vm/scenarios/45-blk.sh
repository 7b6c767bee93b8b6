# shellcheck shell=bash disable=SC2034,SC2154
# SPDX-License-Identifier: BSD-3-Clause
# A volume that fido-blkd serves in one machine, from its memory and from a file, is a block device in
# another machine: a file system is made on it, takes a tree, and has the same tree after a remount;
# fsck finds no error, in the serving machine's file neither.
#
#	sink: ext4 - loop - FUSE: fido-blk-mount ==> gen: fido-blkd: memory, a file
# shellcheck source=test/system/vm/verbs.sh
. "$vm_bed/verbs.sh"
vm_demo gen sink
common="--group vm:demo --hugepages off --buffers 8"
tree="bed modules bin"

# VOLUME
use_volume()
{
	bg sink mount "exec disk.sh fido-blk-mount $common --domain mount --volume $1 --counters --loop /mnt"
	vm_await sink mount 20 '^/dev/loop' >/dev/null
	on sink "set -e
		list() { (cd \$1 && find $tree | sort && find $tree -type f | sort | xargs md5sum && find $tree -type l | sort | xargs -n 1 readlink); }
		disk=\$(job log mount | grep -m 1 ^/dev/loop)
		disk.sh mkfs.ext4 -q \$disk && mkdir -p /copy && mount \$disk /copy
		(cd / && cp -a $tree /copy) && umount /copy
		echo 3 >/proc/sys/vm/drop_caches && mount \$disk /copy
		list / >/tmp/want && list /copy >/tmp/have && umount /copy
		cmp /tmp/want /tmp/have && wc -l </tmp/want
		disk.sh fsck.ext4 -fn \$disk"
	expect_ge "$(output sink | head -n 1)" 500 "lines about files that were compared"
	kill_bg sink mount INT
	wait_bg sink mount 20
	expect_ge "$(output sink | grep -o ' reads [0-9]*' | awk '{ n += $2 } END { print n + 0 }')" 10 "reads of the volume"
	expect_eq "$(output sink | grep -Eo ' (copied_reads|copied_writes|errors) [0-9]*' | awk '{ n += $2 } END { print n + 0 }')" 0 \
		"requests that were copied or failed"
}

vm_sh sink 'load.sh fuse loop ext4; mkdir -p /mnt'
bg gen disk "exec disk.sh fido-blkd $common --control-size 8 --domain disk --volume memory=mem:32M --volume file=file:/tmp/volume,create=48M"
vm_await gen disk 20 'in group' >/dev/null
for volume in memory file; do
	use_volume $volume
done
kill_bg gen disk INT
wait_bg gen disk 20
on gen 'disk.sh fsck.ext4 -fn /tmp/volume; rm /tmp/volume'
