#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Proves: ethdev reports each queue truly (sizes, what waits, what is out, its state); a stopped
# queue neither receives nor sends and loses nothing; deferred queues start when told to; and the
# next packet shows at the address that the driver gives to power management.
#
#	tx [testpmd, rings of 256] ==> rx [testpmd]
#	gen ==> sink, whose queues stop and start while packets flow
set -eu
# shellcheck source=test/system/mmnet.bash
. "$(dirname "$0")/mmnet.bash"
need_hugepages 256

# says NAME COMMAND PATTERN: testpmd's answer has a line like it
says()
{
	testpmd_cmd "$1" "$2" >"$lib_dir/answer"
	grep -Eq "$3" "$lib_dir/answer" || fail "$1: no '$3' in the answer to '$2': $(cat "$lib_dir/answer")"
}

# number NAME COMMAND: the number at the end of testpmd's answer
number()
{
	testpmd_cmd "$1" "$2" | sed -n 's/.* = //p' | tail -n 1
}

waiting()
{
	number rx "show port 0 rxq $1 desc used count"
}

echo "--- what waits, and what is out"
testpmd tx "$(on2 0)" "$(dev 0 tx rx)" -- --forward-mode=txonly --txd=256 --txpkts=64
testpmd rx "$(on2 1)" "$(dev 0 rx tx)" -- --forward-mode=rxonly --rxd=512
says rx "show rxq info 0 0" 'Rx queue state: started'
wait_for 20 '[ "$(telemetry rx /mmnet/info,0 | jq ".[].rx_queues.q0.size")" = 256 ]' || fail "the link does not come up"
# The ring is the peer's; 512 were requested.
says rx "show rxq info 0 0" 'Number of RXDs: 256$'
says tx "show txq info 0 0" 'Number of TXDs: 256$'
says tx "show txq info 0 0" 'TX free threshold: [1-9]'
says rx "show rxq info 0 0" 'RX buffer size: 2048'
expect_eq "$(waiting 0)" 0 "packets that wait in an empty ring"
says rx "show port 0 rxq 0 desc 0 status" 'Desc status = AVAILABLE'
says tx "show port 0 txq 0 desc 0 status" 'Desc status = DONE'
testpmd_cmd tx start >/dev/null
wait_for 20 '[ "$(waiting 0)" = 256 ]' || fail "the ring does not fill: $(waiting 0)"
testpmd_cmd tx stop >/dev/null
says rx "show port 0 rxq 0 desc 255 status" 'Desc status = DONE'
says rx "show port 0 rxq 0 desc 256 status" 'Invalid input'
says tx "show port 0 txq 0 desc 0 status" 'Desc status = FULL'
says tx "show port 0 txq 0 desc 256 status" 'Invalid input'

echo "--- by telemetry"
expect_eq "$(telemetry rx /mmnet/list)" '{"/mmnet/list": [0]}' "ports"
telemetry tx /mmnet/info,0 | jq -c '.[]' | tee "$lib_dir/info"
expect_eq "$(jq -r '[.group, .domain, .peer, .link, .started, .bound, .up, .error, .rx_arg, .rx_mode] | map(tostring) | join(" ")' \
	"$lib_dir/info")" "$fido_group tx rx 0 1 1 1  auto copy" "tx's port"
expect_eq "$(jq -c '.tx_queues.q0 | [.started, .size, .room, .out, .posted, .reaped]' "$lib_dir/info")" \
	"[1,256,0,256,256,0]" "tx: state, size, room, out, posted, reaped"
expect_eq "$(telemetry rx /mmnet/info,0 | jq -c '.[].rx_queues.q0 | [.started, .rings, .size, .waiting, .held, .polled, .completed]')" \
	"[1,1,256,256,0,0,0]" "rx: state, rings, size, waiting, held, polled, completed"
for bad in "" ,7 ,x ,0x0; do
	expect_eq "$(telemetry rx "/mmnet/info$bad" | jq '.[]')" null "/mmnet/info$bad"
done

echo "--- received"
testpmd_cmd rx start >/dev/null
wait_for 20 '[ "$(xstat rx 0 rx_good_packets)" = 256 ]' || fail "of 256 packets $(xstat rx 0 rx_good_packets) were received"
testpmd_cmd rx stop >/dev/null
expect_eq "$(waiting 0)" 0 "packets that wait when all were received"
says rx "show port 0 rxq 0 desc 0 status" 'Desc status = AVAILABLE'
says tx "show port 0 txq 0 desc 255 status" 'Desc status = DONE'

echo "--- more addresses, and not promiscuous: whatever is sent is received"
for command in "mac_addr add 0 02:00:00:00:00:05" "mcast_addr add 0 01:00:5e:00:00:01" "set promisc 0 off" "set allmulti 0 off"; do
	testpmd_cmd rx "$command" >"$lib_dir/answer"
	! grep -Eiq 'not supported|error|fail|invalid' "$lib_dir/answer" || fail "$command: $(cat "$lib_dir/answer")"
done
says rx "show port 0 macs" '02:00:00:00:00:05'
testpmd_cmd rx start >/dev/null
testpmd_cmd tx start >/dev/null
wait_for 20 '[ "$(xstat rx 0 rx_good_packets)" -gt 1000 ]' || fail "nothing is received"
testpmd_cmd tx stop >/dev/null
wait_for 20 '[ "$(waiting 0)" = 0 ]' || fail "it is not received on"
testpmd_cmd rx stop >/dev/null
testpmd_cmd rx "mac_addr remove 0 02:00:00:00:00:05" >/dev/null

echo "--- stopped by hand"
testpmd_cmd rx "port 0 rxq 0 stop" >/dev/null
says rx "show rxq info 0 0" 'Rx queue state: stopped'
testpmd_cmd tx "port 0 txq 0 stop" >/dev/null
says tx "show txq info 0 0" 'Tx queue state: stopped'
expect_eq "$(telemetry tx /mmnet/info,0 | jq -c '.[].tx_queues.q0 | [.started, .out]')" "[0,0]" "tx: state, out"
says tx "show port 0 txq 0 desc 0 status" 'Desc status = UNAVAILABLE'
testpmd_cmd tx "port 0 txq 0 start" >/dev/null
says tx "show txq info 0 0" 'Tx queue state: started'
testpmd_cmd tx start >/dev/null
wait_for 20 '[ "$(waiting 0)" = 256 ]' || fail "nothing waits in a stopped queue"
testpmd_cmd tx stop >/dev/null
# It restarts with its port.
testpmd_cmd rx "port stop 0" >/dev/null
testpmd_cmd rx "port start 0" >/dev/null
says rx "show rxq info 0 0" 'Rx queue state: started'

echo "--- deferred start, the second queue of two"
testpmd_cmd rx "port stop 0" >/dev/null
for command in "port config all rxq 2" "port config all txq 2" "port 0 rxq 1 deferred_start on" "port 0 txq 1 deferred_start on" \
	"port start 0"; do
	testpmd_cmd rx "$command" >/dev/null
done
for queue in rx tx; do
	says rx "show ${queue}q info 0 0" "${queue^}.* queue state: started"
	says rx "show ${queue}q info 0 1" "${queue^}.* queue state: stopped"
	says rx "show ${queue}q info 0 1" "${queue^^} deferred start: on"
done
testpmd_cmd rx "port 0 rxq 1 start" >/dev/null
says rx "show rxq info 0 1" 'Rx queue state: started'

stop tx
stop rx

for rx in copy zero; do
	echo "--- stopped and started while packets flow, and watched while none come, rx=$rx"
	pktcheck sink "$(on 1)" "$(dev 0 sink gen rx=$rx)" -- --mode sink --expect 20000 --halt 3000 --monitor
	up sink
	pktcheck gen "$(on 0)" "$(dev 0 gen sink)" -- --mode gen --count 20000 --size 60-1514 --halt 4000 --gap-us 300
	finish gen 60
	finish sink 20
	expect_received sink 20000
	expect_ge "$(result gen .halts)" 4 "times that gen's queue was stopped"
	expect_ge "$(result sink .halts)" 6 "times that sink's queue was stopped"
	expect_ge "$(result sink .halt_waiting)" 1 "packets that waited in sink's stopped queue"
	expect_eq "$(result gen .halt_wrong) $(result sink .halt_wrong)" "0 0" "things that a stopped queue should not do"
	expect_ge "$(result sink .monitor_seen)" 20 "packets that showed where they should"
	expect_ge "$(result sink .monitor_empty)" 1 "looks at an empty ring"
	expect_eq "$(result sink '[.monitor_wrong, .monitor_refused] | add')" 0 "wrong answers"
done
