#!/bin/sh
# shellcheck shell=dash
# SPDX-License-Identifier: BSD-3-Clause
# Print the slots whose memory the guest has, one a line: `SLOT DEVICE rw|ro BYTES`. Slot N is the
# NVDIMM with the handle N + 1; `slots.sh N` prints the device of that slot only.
for device in /sys/bus/dax/devices/dax*; do
	[ -e "$device" ] || continue
	# /dev/dax3.0 lies in region3. Without other programs: there may be many, and emulation is slow.
	region=${device##*/dax}
	region=/sys/bus/nd/devices/region${region%.*}
	[ -f "$region/mapping0" ] || continue
	read -r dimm <"$region/mapping0"
	handle=/sys/bus/nd/devices/${dimm%%,*}/nfit/handle
	[ -f "$handle" ] || continue
	read -r handle <"$handle"
	slot=$((handle - 1))
	read -r mode <"$region/read_only"
	[ "$mode" = 0 ] && mode=rw || mode=ro
	read -r size <"$device/size"
	if [ $# = 0 ]; then
		echo "$slot /dev/${device##*/} $mode $size"
	elif [ "$1" = $slot ]; then
		echo "/dev/${device##*/}"
	fi
done | sort -n
