#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Proves: DPDK's telemetry reports mmnet ports truly (by dpdk-telemetry.py): which exist, their
# links, and the packets and bytes that another domain has sent them; a missing port is reported as
# none.
#
#	gen ==> port 0 [testpmd] port 1 --- no peer
set -eu
# shellcheck source=test/system/mmnet.bash
. "$(dirname "$0")/mmnet.bash"
need_hugepages 256
count=5000
mac=02:F1:D0:00:00:01

# ask COMMAND EXPRESSION: apply jq to the answer
ask()
{
	telemetry pmd "$1" | jq -r --arg key "${1%%,*}" ".[\$key] | $2"
}

testpmd pmd "$(on2 1)" "$(dev 0 pmd gen "rx=zero,mac=$mac")" "$(dev 1 pmd nobody)" -- --forward-mode=rxonly
testpmd_cmd pmd start >/dev/null
expect_eq "$(ask /ethdev/list 'map(tostring) | join(" ")')" "0 1" "ports"
expect_eq "$(ask /ethdev/info,0 '[.name, .mac_addr, .nb_rx_queues, .nb_tx_queues] | map(tostring) | join(" ")')" \
	"net_mmnet0 $mac 1 1" "port 0: name, address, queues"
expect_eq "$(ask /ethdev/link_status,0 .status)" DOWN "port 0: link without a peer"

work=$(mktemp -d)
at_exit 'rm -rf "$work"'
pktcheck gen "$(on 0)" "$(dev 0 gen pmd)" -- --mode gen --count $count --size 60-1514 --go "$work/go"
up gen
wait_for 10 '[ "$(ask /ethdev/link_status,0 .status)" = UP ]' || fail "port 0: the link does not come up"
expect_eq "$(ask /ethdev/link_status,0 '[.speed, .duplex] | map(tostring) | join(" ")')" "100000 full-duplex" "port 0: link"
expect_eq "$(ask /ethdev/link_status,1 .status)" DOWN "port 1: link without a peer"
touch "$work/go"
finish gen 40

expect_eq "$(ask /ethdev/stats,0 '[.ipackets, .ibytes, .opackets, .ierrors, .oerrors, .imissed, (.q_ipackets // [.ipackets])[0]] |
	map(tostring) | join(" ")')" "$count $(result gen .tx_bytes) 0 0 0 0 $count" \
	"port 0: packets, bytes, sent, errors, missed, by queue 0"
expect_eq "$(ask /ethdev/stats,1 '[.ipackets, .opackets] | add')" 0 "port 1: packets"
expect_eq "$(ask /ethdev/xstats,0 '[.rx_good_packets, .rx_zero_copy_packets, .rx_copied_packets] |
	map(tostring) | join(" ")')" "$count $count 0" "port 0: packets, in place, copied"
wait_for 10 '[ "$(ask /ethdev/link_status,0 .status)" = DOWN ]' || fail "port 0: the link stays up without a peer"
expect_eq "$(ask /ethdev/stats,7 .)" null "a port that is not there"
stop pmd
