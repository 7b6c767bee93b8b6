# shellcheck shell=dash
# SPDX-License-Identifier: BSD-3-Clause
# A guest: runs what dom0 asks for (agent.c).
echo "domain $(xenstore-read domid) ($(cat /sys/hypervisor/guest_type)) is up"
agent serve
echo "@@INIT the agent ended"
poweroff -f
