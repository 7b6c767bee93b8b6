#!/bin/sh
# shellcheck shell=dash
# SPDX-License-Identifier: BSD-3-Clause
# Overwrite the header of a slot's file, as only the kernel of the slot's owner can: show the whole
# NVDIMM as a raw block device.
set -eu
for dimm in /sys/bus/nd/devices/nmem*; do
	[ $(($(cat "$dimm/nfit/handle") - 1)) != "$1" ] || name=${dimm##*/}
done
for region in /sys/bus/nd/devices/region*; do
	[ "$(cut -d, -f1 "$region/mapping0")" = "$name" ] || continue
	n=${region##*region}
	for dax in /sys/bus/nd/devices/dax"$n".*; do
		[ ! -e "$dax/driver" ] || echo "${dax##*/}" >"$dax/driver/unbind"
		echo >"$dax/namespace" || true
	done
	for space in /sys/bus/nd/devices/namespace"$n".*; do
		[ ! -e "$space/driver" ] || echo "${space##*/}" >"$space/driver/unbind"
		echo 1 >"$space/force_raw"
		echo "${space##*/}" >/sys/bus/nd/drivers/nd_pmem/bind
	done
	dd if=/dev/zero of="/dev/pmem$n" bs=4096 count=4 conv=fsync 2>&1
done
