#!/bin/sh
# shellcheck shell=dash
# SPDX-License-Identifier: BSD-3-Clause
# disk.sh COMMAND...: run a command that may be on the disk (image.sh), which is mounted first.
set -eu
if [ ! -d /disk/bin ]; then
	load.sh virtio_blk ext4
	mkdir -p /disk
	mount -t ext4 -o ro /dev/vda /disk
fi
LD_LIBRARY_PATH=/disk/lib/x86_64-linux-gnu PATH=/disk/bin:$PATH exec "$@"
