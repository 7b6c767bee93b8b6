#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Proves: the counters are true: packets and bytes are the same at both ends and in each queue, each
# packet is counted once as sent by pointer, forwarded or copied, and once as received in place, by
# header or copied; clearing them works while packets flow.
#
#	gen ==> sink, and sink's Rx mode varies      gen ==> fwd ==> sink, for forwarded packets
set -eu
# shellcheck source=test/system/mmnet.bash
. "$(dirname "$0")/mmnet.bash"
need_hugepages 384
count=10000

# sum NAME KEY...: of port 0
sum()
{
	local name=$1
	shift
	result "$name" "[.ports[0].xstats | $(printf '.%s,' "$@" | sed 's/,$//')] | add"
}

# expect_true NAME: its own count and the driver's agree
expect_true()
{
	local name=$1
	for key in rx tx; do
		expect_stat "$name" 0 ${key}_good_packets "$(result "$name" .${key}_packets)"
		expect_eq "$(sum "$name" ${key}_q0_packets ${key}_q1_packets)" "$(result "$name" .${key}_packets)" \
			"$name: $key packets of all queues"
		expect_eq "$(sum "$name" ${key}_q0_bytes ${key}_q1_bytes)" "$(port_stat "$name" 0 ${key}_good_bytes)" \
			"$name: $key bytes of all queues"
	done
	expect_stat "$name" 0 rx_good_bytes "$(result "$name" .rx_bytes)"
	expect_eq "$(sum "$name" tx_zero_copy_packets tx_forwarded_packets tx_copied_packets)" \
		"$(result "$name" .tx_packets)" "$name: sent in one of the three ways"
	expect_eq "$(sum "$name" rx_zero_copy_packets rx_header_packets rx_copied_packets)" \
		"$(result "$name" .rx_packets)" "$name: received in one of the three ways"
	expect_eq "$(sum "$name" rx_errors tx_errors rx_missed_errors rx_bad_descriptors rx_too_long tx_dropped \
		tx_error_completions rx_buffers_held tx_buffers_out)" 0 "$name: errors, and what is still out or held"
}

for rx in zero copy header auto; do
	echo "--- rx=$rx"
	options=()
	[ $rx != header ] || options=(--scatter)
	pktcheck sink "$(on 1)" "$(dev 0 sink gen rx=$rx)" -- --mode sink --expect $count --size 9000 --rxq 2 --txq 2 \
		${options[@]+"${options[@]}"}
	pktcheck gen "$(on 0)" "$(dev 0 gen sink)" -- --mode gen --count $count --size 60-9000 --segs 2 --rxq 2 --txq 2
	finish gen 40
	finish sink 10
	expect_received sink $count
	expect_true gen
	expect_true sink
	expect_stat gen 0 tx_good_bytes "$(result gen .tx_bytes)"
	expect_stat sink 0 rx_good_bytes "$(result gen .tx_bytes)"
	expect_stat gen 0 tx_zero_copy_packets $count
	case $rx in
	zero) expect_stat sink 0 rx_zero_copy_packets $count ;;
	copy | auto) expect_stat sink 0 rx_copied_packets $count ;;
	# Up to 256 bytes in one segment are copied whole.
	header) expect_ge "$(port_stat sink 0 rx_header_packets)" $((count * 9 / 10)) "headers" ;;
	esac
done

echo "--- passed on"
fido_fwd fwd "$(on 1)" "$(dev 0 fwd gen rx=zero)" "$(dev 1 fwd sink rx=zero)" -- --idle adaptive --on-down hold --json \
	--stats-period 0
pktcheck sink "$(on 0)" "$(dev 0 sink fwd rx=copy)" -- --mode sink --expect $count
pktcheck gen "$(on 0)" "$(dev 0 gen fwd)" -- --mode gen --count $count --size 60-1514
finish gen 40
finish sink 10
stop fwd
expect_received sink $count
expect_eq "$(fwd_stat fwd 0 rx_zero_copy_packets),$(fwd_stat fwd 1 tx_forwarded_packets),$(fwd_stat fwd 1 tx_copied_packets)" \
	"$count,$count,0" "fwd: received in place, passed on, copied"
expect_eq "$(fwd_stat fwd 1 tx_bytes)" "$(result gen .tx_bytes)" "fwd: bytes sent"

echo "--- what the peer cannot read is copied, and counted"
# Memory that EAL did not allocate is not exported.
testpmd tx "$(on2 0)" "$(dev 0 tx rx)" -- --forward-mode=txonly --mp-alloc=xmem --total-num-mbufs=4096
testpmd rx "$(on2 1)" "$(dev 0 rx tx rx=zero)" -- --forward-mode=rxonly --total-num-mbufs=4096
testpmd_cmd rx start >/dev/null
testpmd_cmd tx start >/dev/null
wait_for 10 "[ \$(xstat rx 0 rx_good_packets) -gt 5000 ]" || fail "packets of memory that is not EAL's do not arrive"
testpmd_cmd tx stop >/dev/null
sent=$(xstat tx 0 tx_good_packets)
wait_for 10 "[ \$(xstat rx 0 rx_good_packets) -ge $sent ]" || fail "of $sent packets $(xstat rx 0 rx_good_packets) were received"
testpmd_cmd rx stop >/dev/null
expect_eq "$(xstat tx 0 tx_copied_packets)" "$sent" "tx: copied, of those sent"
expect_eq "$(xstat rx 0 rx_good_packets)" "$sent" "rx: received, of those sent"
expect_eq "$(xstat tx 0 tx_good_bytes)" "$(xstat rx 0 rx_good_bytes)" "bytes"

echo "--- cleared while packets flow"
testpmd_cmd rx start >/dev/null
testpmd_cmd tx start >/dev/null
wait_for 10 "[ \$(xstat rx 0 rx_good_packets) -gt $((sent + 5000)) ]" || fail "no packets after a restart"
testpmd_cmd rx "clear port stats 0" >/dev/null
wait_for 10 "[ \$(xstat rx 0 rx_good_packets) -gt 1000 ]" || fail "nothing is counted after clearing"
testpmd_cmd tx stop >/dev/null
wait_for 10 '[ "$(telemetry rx /mmnet/info,0 | jq ".[].rx_queues.q0.waiting")" = 0 ]' || fail "packets still wait in rx's ring"
testpmd_cmd rx stop >/dev/null
testpmd_cmd rx "clear port xstats 0" >/dev/null
for key in rx_good_packets rx_good_bytes rx_zero_copy_packets rx_q0_packets; do
	expect_eq "$(xstat rx 0 $key)" 0 "$key after clearing"
done
stop tx
stop rx
