#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Proves: DPDK's forwarding examples, as in Debian's source package, run unmodified on mmnet ports:
# each packet goes through and back whole, once, in order, with the Ethernet addresses and the TTL
# that the example writes. Examples that write headers do not crash in the default Rx mode.
#
#	a ==> port 0 [example] port 1 ==> b      b checks each packet, and sends it back
#	a <== port 0 [       ] port 1 <== b
set -eu
# shellcheck source=test/system/mmnet.bash
. "$(dirname "$0")/mmnet.bash"
need_hugepages 384
# packet_ordering sends in bursts of 32, and keeps an incomplete one.
count=5120
mac=(02:f1:d0:00:00:00 02:f1:d0:00:00:01)
work=$(mktemp -d)
at_exit 'rm -rf "$work"'

link()
{
	telemetry app "/ethdev/link_status,$1" | jq -r '.["/ethdev/link_status"].status'
}

# run EXAMPLE STATUS WRITES RX "EAL OPTIONS" "OPTIONS OF BOTH ENDS" [OPTION OF THE EXAMPLE...]:
# STATUS: its exit status on SIGINT; WRITES: whether it writes Ethernet addresses
run()
{
	local example=$1 status=$2 rx=$4 eal ends to_a=() to_b=()
	read -ra eal <<<"$5"
	read -ra ends <<<"$6"
	# As DPDK does: to an invented address with the number of the port, from that of the port.
	if [ "$3" = writes ]; then
		to_a=(--ether "02:00:00:00:00:00-${mac[0]}")
		to_b=(--ether "02:00:00:00:00:01-${mac[1]}")
	fi
	shift 6
	echo "--- $example $*, rx=$rx"
	dpdk_example app "$example" "${eal[@]}" "$(dev 0 app a "rx=$rx,mac=${mac[0]}")" \
		"$(dev 1 app b "rx=$rx,mac=${mac[1]}")" -- "$@"
	pktcheck b "$(on 0)" "$(dev 0 b app rx=copy)" -- --mode echo --expect $count --timeout 60 \
		${ends[@]+"${ends[@]}"} ${to_b[@]+"${to_b[@]}"}
	pktcheck a "$(on 0)" "$(dev 0 a app)" -- --mode gen --return yes --count $count --size 60-1514 --window 256 \
		--timeout 60 --go "$work/go" ${ends[@]+"${ends[@]}"} ${to_a[@]+"${to_a[@]}"}
	up a b
	# It drops what it cannot send yet.
	wait_for 20 '! is_running app || [ "$(link 0) $(link 1)" = "UP UP" ]' || fail "$example: the links are $(link 0) and $(link 1)"
	is_running app || fail "$example did not start"
	touch "$work/go"
	finish a 70
	finish b 10
	rm "$work/go"
	expect_received a $count
	expect_received b $count
	expect_eq "$(result a .rx_bytes)" "$(result a .tx_bytes)" "$example: bytes that came back"
	for port in 0 1; do
		case $rx in
		auto) expect_eq "$(xstat app $port rx_copied_packets)" $count "$example: port $port: copied on receive" ;;
		zero) expect_eq "$(xstat app $port tx_forwarded_packets)" $count "$example: port $port: passed on" ;;
		esac
	done
	stop app "$status"
}

cat >"$work/v4" <<-END
	R1.1.1.0/24 0
	R2.1.1.0/24 1
END
lib_find_example l3fwd
l3fwd=(-p 0x3 -P --no-numa "--config=(0,0,0),(1,0,0)" "--rule_ipv4=$work/v4"
	"--rule_ipv6=${lib_example%/build/*}/lpm_default_v6.cfg")

# Two of them do not catch SIGINT; those that do come last, and clean up after a domain of that
# name.
run skeleton 130 "" auto "$(on 1)" ""
run skeleton 130 "" zero "$(on 1)" ""
run rxtx_callbacks 130 "" auto "$(on 1)" ""
run packet_ordering 0 "" auto "--lcores=0@1,1@0,2@1" "" -p 0x3
run l3fwd 0 writes auto "$(on 1)" "--ipv4 to-1" "${l3fwd[@]}" --lookup=lpm
run l3fwd 0 writes auto "$(on 1)" "--ipv4 to-1" "${l3fwd[@]}" --lookup=fib
run l2fwd 0 writes auto "$(on 1)" "" -p 0x3 -q 2 -T 0
run l2fwd 0 "" zero "$(on 1)" "" -p 0x3 -q 2 -T 0 --no-mac-updating
