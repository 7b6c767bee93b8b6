#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Proves: through a chain of four domains and back every byte of every packet arrives, once and in
# order, in every Rx mode, for all sizes, bursts, segments and (unequal) numbers of queues; and
# without a copy in zero mode.
#
#	gen ==> fwd1 ==> fwd2 ==> echo      echo checks each packet, and sends the same mbuf back
#	gen <== fwd1 <== fwd2 <== echo      gen checks it again: in zero mode that is its own memory
#
# Four processes.
set -eu
# shellcheck source=test/system/mmnet.bash
. "$(dirname "$0")/mmnet.bash"
need_hugepages 640

gen_mbufs=8192
work=$(mktemp -d)
at_exit 'rm -rf "$work"'

# chain TITLE RX COUNT SIZES SEGS ROOM "GEN OPTIONS" "FORWARDER OPTIONS" "ECHO OPTIONS": leaves the
# results of gen, fwd1, fwd2, echo
chain()
{
	local rx=rx=$2 count=$3 sizes=$4 gen_opt fwd_opt echo_opt
	local fwd=(--mode io --idle adaptive --on-down hold --json --quiet)
	read -ra gen_opt <<<"$7"
	read -ra fwd_opt <<<"$8"
	read -ra echo_opt <<<"$9"
	echo "--- $1"
	fido_fwd fwd1 "$(on 1)" "$(dev 0 fwd1 gen "$rx")" "$(dev 1 fwd1 fwd2 "$rx")" -- "${fwd[@]}" "${fwd_opt[@]}"
	fido_fwd fwd2 "$(on 0)" "$(dev 0 fwd2 fwd1 "$rx")" "$(dev 1 fwd2 echo "$rx")" -- "${fwd[@]}" "${fwd_opt[@]}"
	pktcheck echo "$(on 1)" "$(dev 0 echo fwd2 "$rx")" -- --mode echo --expect "$count" --size "$sizes" \
		--burst 512 "${echo_opt[@]}"
	up echo
	pktcheck gen "$(on 0)" "$(dev 0 gen fwd1 "$rx")" -- --mode gen --return yes --count "$count" \
		--size "$sizes" --segs "$5" --room "$6" --burst 512 --mbufs "$gen_mbufs" --random --go "$work/go" "${gen_opt[@]}"
	up gen
	all_mapped
	touch "$work/go"
	finish gen 40
	finish echo 10
	rm "$work/go"
	stop fwd1
	stop fwd2
	expect_received echo "$count"
	expect_received gen "$count"
	expect_eq "$(result echo .rx_bytes)" "$(result gen .tx_bytes)" "bytes at the end of the chain"
	expect_eq "$(result gen .rx_bytes)" "$(result gen .tx_bytes)" "bytes that came back"
	expect_eq "$(result fwd1 .lost),$(result fwd1 .tx_dropped),$(result fwd2 .lost),$(result fwd2 .tx_dropped)" \
		"0,0,0,0" "lost and dropped in the middle"
	expect_eq "$(result fwd1 .rx_packets)" $((2 * count)) "packets through fwd1"
}

# All went by pointer, and the domains in the middle forwarded other domains' memory.
expect_zero_copy()
{
	local count=$1 name port
	expect_no_copies gen 0
	expect_no_copies echo 0
	expect_stat gen 0 tx_zero_copy_packets "$count"
	expect_stat echo 0 rx_zero_copy_packets "$count"
	expect_stat echo 0 tx_forwarded_packets "$count"
	for name in fwd1 fwd2; do
		expect_eq "$(result $name .copies)" 0 "$name: copies"
		for port in 0 1; do
			expect_eq "$(fwd_stat $name $port tx_forwarded_packets)" "$count" "$name: port $port: passed on"
			expect_eq "$(fwd_stat $name $port tx_copied_packets)" 0 "$name: port $port: copied"
		done
	done
}

all=60-65318
# A buffer holds a whole packet: use fewer of them.
large="--mtu 65318 --mbufs 1200"
longest="--scatter --mtu 65521"
chain "zero, one segment or several, all sizes" zero 6000 60-65535 5 2048 "" "$longest" ""
expect_zero_copy 6000
expect_ge "$(result echo .rx_max_segs)" 33 "largest number of segments"
gen_mbufs=600 chain "zero, one segment of up to 65535 bytes" zero 3000 60-65535 1 65535 "" "$longest" ""
expect_zero_copy 3000
expect_eq "$(result echo .rx_max_segs)" 1 "largest number of segments"
chain "zero, small packets" zero 80000 60-256 1 2048 "" "--burst 512" ""
expect_zero_copy 80000
expect_ge "$(result gen .tx_max_burst)" 256 "largest burst sent"
expect_ge "$(result echo .rx_max_burst)" 256 "largest burst received"

chain "copy" copy 3000 $all 4 2048 "" "$large" ""
expect_stat echo 0 rx_copied_packets 3000
expect_stat gen 0 rx_copied_packets 3000
chain "copy, scattered Rx" copy 3000 60-65535 4 2048 --scatter "$longest" --scatter
expect_stat echo 0 rx_copied_packets 3000
expect_ge "$(result echo .rx_max_segs)" 31 "largest number of segments"
chain "copy, scattered Rx, long packets in one piece among short ones" copy 10000 60-9000 1 9000 --scatter \
	"--scatter --mtu 9000" --scatter
expect_ge "$(result echo .rx_max_segs)" 5 "largest number of segments"
chain "header" header 4000 $all 4 2048 --scatter "$longest" --scatter
expect_ge "$(port_stat echo 0 rx_header_packets)" 3500 "header packets"
expect_eq $(($(port_stat echo 0 rx_header_packets) + $(port_stat echo 0 rx_copied_packets))) 4000 "header or copied"
chain "auto without scattered Rx: copies" auto 2000 $all 3 2048 "" "$large" ""
expect_stat echo 0 rx_copied_packets 2000
chain "auto with scattered Rx: headers" auto 2000 $all 3 2048 --scatter "$longest" --scatter
expect_ge "$(port_stat echo 0 rx_header_packets)" 1700 "header packets"

chain "zero, 4 queues to 1 and back to 4" zero 20000 60-1514 3 2048 "--txq 4 --rxq 1" "--rxq 1 --txq 4" "--rxq 1 --txq 4"
expect_zero_copy 20000
expect_eq "$(result echo '.flows | length')" 4 "queues of gen that echo sees"
chain "header, 1 queue to 4" header 10000 60-9000 3 2048 "--txq 1 --rxq 4 --scatter" "--rxq 4 --txq 1 --scatter --mtu 9000" \
	"--rxq 4 --txq 1 --scatter"
chain "copy, 3 queues to 2" copy 20000 60-1514 1 2048 "--txq 3 --rxq 2" "--rxq 2 --txq 3" "--rxq 2 --txq 3"
expect_eq "$(result echo '.flows | length')" 3 "queues of gen that echo sees"
