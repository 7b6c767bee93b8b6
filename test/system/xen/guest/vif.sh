#!/bin/sh
# shellcheck shell=dash
# SPDX-License-Identifier: BSD-3-Clause
# xl runs this in dom0 when a guest's network interface appears or goes: Xen's own script needs bash
# and more. The interface joins the bridge that the configuration names.
set -eu
[ "$1" = online ] || exit 0
# shellcheck disable=SC2154 # xl sets $vif
brctl addif "$(xenstore-read "$XENBUS_PATH/bridge")" "$vif"
ip link set "$vif" up
xenstore-write "$XENBUS_PATH/hotplug-status" connected
