#!/bin/sh
# shellcheck shell=dash
# SPDX-License-Identifier: BSD-3-Clause
# Counters of a domain for the measurements of net.sh: `counts.sh INTERFACE` prints two lines,
# "EVENTS PACKETS SEGMENTS", and where the events came from.
#
# EVENTS: notifications from the hypervisor on event channels of devices and programs, without the
# console's and xenstore's, and without timers. PACKETS: what the interface received, as the
# kernel's skbs; 0 if it does not exist. SEGMENTS: TCP segments that the domain sent, each at most
# the MTU long, however large the skbs are.
packets=$(cat "/sys/class/net/$1/statistics/rx_packets" 2>/dev/null)
awk -v "packets=${packets:-0}" '
	/xen-dyn/ && $2 > 0 && !/xenbus|hvc_console|evtchn:(o?xenstored|xenconsoled|xl)/ {
		events += $2
		sources = sources $NF "=" $2 " "
	}
	FILENAME == "/proc/net/snmp" && $1 == "Tcp:" { segments = $12 }
	END { print events + 0, packets, segments; print sources }' /proc/interrupts /proc/net/snmp
