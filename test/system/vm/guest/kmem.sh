#!/bin/sh
# shellcheck shell=dash
# SPDX-License-Identifier: BSD-3-Clause
# kmem.sh movable|kernel: make the machine's own file of RAM memory of the kernel (driver kmem), and
# reserve all of it as huge pages. Prints how many pages of 2 MiB it has, and how many there are now.
#
# movable: the kernel puts nothing of its own there, and takes huge pages from there first. vfio
# cannot pin such pages for DMA.
# kernel: pages can be pinned. Until all are reserved the kernel takes some for itself, which peers
# then can read.
set -eu
page=$((2 << 20))
block=$((0x$(cat /sys/devices/system/memory/block_size_bytes)))
load.sh kmem
# Files of RAM follow the 64 slots.
device=$(slots.sh | awk '$1 >= 64 && $3 == "rw" { sub("/dev/", "", $2); print $2 }')
[ -n "$device" ] || { echo "kmem.sh: no RAM of its own: create the group with --vm NAME:ram=SIZE"; exit 1; }
start=$(cat "/sys/bus/dax/devices/$device/resource")
end=$((start + $(cat "/sys/bus/dax/devices/$device/size")))
# Whole blocks only.
pages=$(((end / block - (start + block - 1) / block) * block / page))
before=$(cat /proc/sys/vm/nr_hugepages)

echo "online_$1" >/sys/devices/system/memory/auto_online_blocks
echo "$device" >/sys/bus/dax/drivers/device_dax/unbind
echo "$device" >/sys/bus/dax/drivers/kmem/new_id
echo $((before + pages)) >/proc/sys/vm/nr_hugepages
echo "$pages $(($(cat /proc/sys/vm/nr_hugepages) - before))"
