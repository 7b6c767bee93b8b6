#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Proves: two links between the same two domains are two wires: each carries its own packets, each
# goes up and down by itself, and their order on the command line does not matter.
#
#	gen port 0 ==[ link 0 ]==> echo port 1
#	gen port 1 ==[ link b ]==> echo port 0      and back over the same link
set -eu
# shellcheck source=test/system/mmnet.bash
. "$(dirname "$0")/mmnet.bash"
need_hugepages 384
count=100000

echo "--- both at once"
pktcheck echo "$(on 1)" "$(dev 0 echo gen rx=zero link=b)" "$(dev 1 echo gen rx=zero link=0)" -- --mode echo \
	--expect $count --rxq 2 --txq 2
pktcheck gen "$(on 0)" "$(dev 0 gen echo rx=zero)" "$(dev 1 gen echo rx=zero link=b)" -- --mode gen --return yes \
	--count $count --size 60-1514 --segs 2 --rxq 2 --txq 2
finish gen 40
finish echo 10
expect_received gen $count
expect_received echo $count
for port in 0 1; do
	expect_no_copies gen $port
	expect_no_copies echo $port
	expect_ge "$(port_stat gen $port rx_good_packets)" $((count / 3)) "packets by port $port"
done
# Flows and queues are numbered 100 * port + queue: what port 0 sends arrives at port 1.
expect_eq "$(result echo '[.flows[] | "\(.queue) by \(.rxq)"] | sort | join(", ")')" \
	"0 by 100, 1 by 101, 100 by 0, 101 by 1" "what came by which queue"
expect_eq "$(result gen '[.flows[] | "\(.queue) by \(.rxq)"] | sort | join(", ")')" \
	"0 by 0, 1 by 1, 100 by 100, 101 by 101" "what came back by which queue"

echo "--- one of them is stopped, the other works on"
link()
{
	telemetry pmd "/ethdev/link_status,$1" | jq -r '.["/ethdev/link_status"].status'
}
testpmd gen "$(on2 0)" "$(dev 0 gen pmd)" "$(dev 1 gen pmd link=1)" -- --forward-mode=txonly
testpmd_cmd gen start >/dev/null
testpmd pmd "$(on2 1)" "$(dev 0 pmd gen)" "$(dev 1 pmd gen link=1)" -- --forward-mode=rxonly
testpmd_cmd pmd start >/dev/null
for port in 0 1; do
	wait_for 10 "[ \$(xstat pmd $port rx_good_packets) -gt 500 ]" || fail "port $port receives nothing"
done
testpmd_cmd pmd stop >/dev/null
testpmd_cmd pmd "port stop 1" >/dev/null
testpmd_cmd pmd "set portlist 0" >/dev/null
testpmd_cmd pmd "port detach 1" | matches 'is detached' || fail "cannot detach port 1"
testpmd_cmd pmd "clear port xstats 0" >/dev/null
testpmd_cmd pmd start >/dev/null
expect_eq "$(link 0)" UP "link of the port that stays"
wait_for 10 "[ \$(xstat pmd 0 rx_good_packets) -gt 500 ]" || fail "the port that stays receives no more"
stop gen
wait_for 10 "[ \$(link 0) = DOWN ]" || fail "the link stays up without a peer"
stop pmd
