#!/bin/sh
# shellcheck shell=dash
# SPDX-License-Identifier: BSD-3-Clause
# /init of every domain of the test bed: common set-up, then dom0.sh or domu.sh.
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

# xen-privcmd first: xenfs needs it.
for module in xen-privcmd xenfs xen-evtchn xen-gntdev fido-grant tun; do
	insmod "/modules/$module.ko" || echo "@@INIT cannot load $module"
done
insmod /modules/xen-gntalloc.ko limit=65536 || echo "@@INIT cannot load xen-gntalloc"
mount -t xenfs xenfs /proc/xen

if grep -q control_d /proc/xen/capabilities; then
	. /bed/dom0.sh
else
	. /bed/domu.sh
fi
