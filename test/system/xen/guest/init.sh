#!/bin/sh
# shellcheck shell=dash
# SPDX-License-Identifier: BSD-3-Clause
# /init of every domain of the test bed: common set-up, then dom0.sh or domu.sh.
# shellcheck source=test/system/bed/guest/base.sh
. /bed/base.sh

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
