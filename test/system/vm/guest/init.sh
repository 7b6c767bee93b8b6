#!/bin/sh
# shellcheck shell=dash
# SPDX-License-Identifier: BSD-3-Clause
# /init of a virtual machine of the test bed: common set-up, then run what the host sends (agent.c).
# shellcheck source=test/system/bed/guest/base.sh
. /bed/base.sh

load.sh boot || echo "@@INIT not all modules are loaded"
mkdir -p /dev/hugepages
mount -t hugetlbfs hugetlbfs /dev/hugepages
echo "up after $(cut -d' ' -f1 /proc/uptime) s"
agent serve bed
echo "@@INIT the agent exited"
poweroff -f
