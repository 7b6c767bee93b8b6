#!/bin/sh
# shellcheck shell=dash
# SPDX-License-Identifier: BSD-3-Clause
# load.sh NAME...: load modules of the kernel, with those that they need (image.sh lists them).
status=0
for name in "$@"; do
	while read -r file; do
		loaded=$(echo "${file%.ko}" | tr - _)
		[ ! -e "/sys/module/$loaded" ] || continue
		insmod "/modules/$file" || status=1
	done <"/bed/modules/$name"
done
exit $status
