# shellcheck shell=dash
# SPDX-License-Identifier: BSD-3-Clause
# A guest: run what dom0 sends (agent.c).
echo "domain $(xenstore-read domid) ($(cat /sys/hypervisor/guest_type)) is up"
agent serve
echo "@@INIT the agent exited"
poweroff -f
