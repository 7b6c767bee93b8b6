#!/bin/sh
# shellcheck shell=dash
# SPDX-License-Identifier: BSD-3-Clause
# bell.sh frames|module|vfio: by what the guest's processes ring (the device of fido-vmd's doorbells).
# bell.sh remove: remove the device, as hot-unplugging does.
# bell.sh count: print how many of its interrupts there were.
set -eu

device=
for file in /sys/bus/pci/devices/*; do
	[ "$(cat "$file/vendor") $(cat "$file/device")" != '0x1af4 0x1110' ] || device=${file##*/}
done
[ -n "$device" ] || exit 1
dir=/sys/bus/pci/devices/$device

# DRIVER: have it, and no other one.
bind_to()
{
	[ ! -e "$dir/driver" ] || echo "$device" >"$dir/driver/unbind"
	echo "$1" >"$dir/driver_override"
	[ -z "$1" ] || echo "$device" >/sys/bus/pci/drivers_probe
	[ -z "$1" ] || [ "$(basename "$(readlink "$dir/driver")")" = "$1" ]
}

case $1 in
frames) bind_to none 2>/dev/null || true ;;
module)
	load.sh fido-bell
	bind_to fido-bell
	;;
vfio)
	load.sh vfio-pci vfio_iommu_type1
	bind_to vfio-pci
	;;
remove) echo 1 >"$dir/remove" ;;
count) awk '/fido-bell|vfio-msix/ { for (i = 2; i <= NF && $i ~ /^[0-9]+$/; i++) n += $i } END { print n + 0 }' /proc/interrupts ;;
esac
