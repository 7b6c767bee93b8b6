#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Proves: a port that was reset (rte_eth_dev_reset) is as new: no queues, its first address, MTU and
# counters; it can be configured again, also with other queues; the link comes up again, all packets
# get through, and what a peer held meanwhile comes back. The same for testpmd's port under traffic.
#
#	gen ==> sink                          gen resets its port again and again
#	gen ==> [0 testpmd 1] ==> echo        testpmd does with one port, or both
#	gen <== [0 testpmd 1] <== echo
set -eu
# shellcheck source=test/system/mmnet.bash
. "$(dirname "$0")/mmnet.bash"
need_hugepages 512
count=20000

# run RX HOLD [OPTION OF GEN...]
run()
{
	echo "--- rx=$1, the receiver keeps $2 packets, gen: ${*:3}"
	pktcheck sink "$(on 1)" "$(dev 0 sink gen "rx=$1")" -- --mode sink --expect $count --hold "$2" --keep --rxq 2
	pktcheck gen "$(on 0)" "$(dev 0 gen sink)" -- --mode gen --count $count --size 64-2000 --reset 4000 --hold "$2" "${@:3}"
	finish gen 60
	finish sink 10
	expect_received sink $count
	expect_eq "$(result gen '[.resets, .reset_wrong, .mbufs_missing] | map(tostring) | join(" ")')" "5 0 0" \
		"gen: resets, what was wrong with them, mbufs missing"
	[ "$2" = 0 ] || [ "$(result gen .reset_out)" -gt 0 ] || fail "the peer kept nothing of gen's when it was reset"
}

run copy 0
run zero 0
run zero 300
run zero 300 --txq 2
run copy 0 --segs 4
# Copied by gen's port, into its arena.
run zero 300 --pool extbuf

commands()
{
	local command
	for command in "$@"; do
		testpmd_cmd pmd "$command" >>"$lib_dir/answers"
	done
}

flows()
{
	local before
	up gen
	before=$(xstat gen 0 rx_good_packets)
	wait_for 30 "[ \$(xstat gen 0 rx_good_packets) -gt $((before + 100)) ]" || fail "no packets return after: $1"
}

# pmd_port FIELD...: of testpmd's port 0
pmd_port()
{
	telemetry pmd /ethdev/info,0 | jq -c '.["/ethdev/info"] | [.nb_rx_queues, .nb_tx_queues, .mtu, .mac_addr, .dev_configured]'
}

echo "--- testpmd, under traffic"
testpmd pmd "$(on2 1)" "$(dev 0 pmd gen rx=zero)" "$(dev 1 pmd echo rx=zero mac=02:00:00:00:01:01)" -- --burst=32
pktcheck echo "$(on 0)" "$(dev 0 echo pmd rx=zero)" -- --mode echo --timeout 0
mac=$(pmd_port | jq -r '.[3]')
pktcheck gen "$(on 0)" "$(dev 0 gen pmd rx=zero)" -- --mode gen --size 60-1514 --timeout 0 --return any
commands start
flows start
for ports in 0 1 all; do
	commands stop "mac_addr set 0 02:00:00:00:00:05" "port stop $ports" "port reset $ports"
	[ "$ports" = 1 ] || expect_eq "$(pmd_port)" "[0,0,1500,\"$mac\",0]" "queues, MTU, address, configured, after reset of port $ports"
	[ "$ports" = 1 ] || wait_for 10 'telemetry gen /ethdev/link_status,0 | matches "\"DOWN\""' ||
		fail "gen's link stays up without a peer"
	sleep 0.2
	commands "port start $ports" start
	flows "reset of port $ports"
done
commands stop "port stop all" "port reset all" "port config all rxq 2" "port config all txq 2" "port start all" start
flows "reset, and two queues"
stop gen
expect_eq "$(result gen .corrupt),$(result gen .duplicate)" 0,0 "gen: corrupt, duplicate"
echo "--- all of a new run"
pktcheck gen "$(on 0)" "$(dev 0 gen pmd rx=zero)" -- --mode gen --size 60-1514 --return yes --count 20000 --window 250 --timeout 20
finish gen 30
expect_received gen 20000
stop echo
stop pmd
expect_eq "$(result echo .corrupt)" 0 "echo: corrupt"
