#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Proves: a port reconfigured with more transmit queues gives each of them its own memory for
# copies, also while the others' copies are still out; and when their number goes down and up again.
#
#   gen ==4 queues==> [testpmd, heap=off: copies everything; 1, 4, 2, 3 queues] ==4 queues==> sink
#
# sink checks each byte.
set -eu
# shellcheck source=test/system/mmnet.bash
. "$(dirname "$0")/mmnet.bash"
need_hugepages 512

commands()
{
	local command
	for command in "$@"; do
		testpmd_cmd pmd "$command" >>"$lib_dir/answers"
	done
}

# While sink holds packets, their copies are out.
pktcheck sink "$(on 0)" "$(dev 0 sink pmd rx=zero)" -- --mode sink --rxq 4 --hold 200 --return any --timeout 0
testpmd pmd "$(on2 1)" "$(dev 0 pmd gen heap=off)" "$(dev 1 pmd sink heap=off)" -- --burst=32
pktcheck gen "$(on 0)" "$(dev 0 gen pmd)" -- --mode gen --txq 4 --size 60-1514 --timeout 0
up sink gen
commands start
for queues in 4 2 3; do
	echo "--- $queues queues"
	commands stop "port stop all" "port config all rxq $queues" "port config all txq $queues" "port start all" start
	before=$(xstat sink 0 rx_good_packets)
	wait_for 20 "[ \$(xstat sink 0 rx_good_packets) -gt $((before + 20000)) ]" || fail "no packets come with $queues queues"
	for ((i = 0; i < queues; i++)); do
		expect_ge "$(xstat pmd 1 "tx_q${i}_copied_packets")" 1 "queue $i: packets copied"
	done
done
stop gen
stop sink
expect_eq "$(result sink .corrupt)" 0 "packets that came with other bytes"
stop pmd
