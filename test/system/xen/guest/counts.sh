#!/bin/sh
# shellcheck shell=dash
# SPDX-License-Identifier: BSD-3-Clause
# What the measurements of net.sh count in a domain: `counts.sh INTERFACE` prints two lines,
# "EVENTS PACKETS SEGMENTS", and where the events came from.
#
# EVENTS: notifications from the hypervisor that were taken on event channels of devices and programs,
# not the console's and xenstore's, and no timers. PACKETS: what the interface received, as the kernel's
# skbs; of one that is not there 0. SEGMENTS: of TCP that the domain sent, each at most the MTU
# long, however large the skbs are.
packets=$(cat "/sys/class/net/$1/statistics/rx_packets" 2>/dev/null)
awk -v "packets=${packets:-0}" '
	/xen-dyn/ && $2 > 0 && !/xenbus|hvc_console|evtchn:(o?xenstored|xenconsoled|xl)/ {
		events += $2
		sources = sources $NF "=" $2 " "
	}
	FILENAME == "/proc/net/snmp" && $1 == "Tcp:" { segments = $12 }
	END { print events + 0, packets, segments; print sources }' /proc/interrupts /proc/net/snmp
