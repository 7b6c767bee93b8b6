# shellcheck shell=dash
# SPDX-License-Identifier: BSD-3-Clause
# What /init of every guest of the test beds does first; sourced by it.
export PATH=/bin:/sbin:/usr/bin:/usr/sbin:/bed HOME=/root
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
mkdir -p /dev/shm /dev/pts
mount -t devpts devpts /dev/pts
mount -t tmpfs tmpfs /dev/shm
mount -t tmpfs tmpfs /run
mount -t tmpfs tmpfs /tmp
ip link set lo up
# At this level the kernel reports which program crashed, and where.
dmesg -n 7

# Print an argument of the kernel's command line.
argument()
{
	tr ' ' '\n' </proc/cmdline | sed -n "s/^$1=//p"
}
