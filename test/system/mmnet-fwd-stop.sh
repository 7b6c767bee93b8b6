#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Proves: a forwarder stopped (SIGINT, SIGTERM) under full load loses nothing that it has accepted:
# all that its peer was allowed to send arrives, by the same count at each station.
#
#	gen ==[ as fast as it can ]==> fwd ==> sink       SIGINT to fwd; gen and sink go on
set -eu
# shellcheck source=test/system/mmnet.bash
. "$(dirname "$0")/mmnet.bash"
need_hugepages 384

# run SIGNAL RX [OPTION OF FWD...]
run()
{
	local accepted
	echo "--- SIG$1, rx=$2 ${*:3}"
	pktcheck sink "$(on 0)" "$(dev 0 sink fwd rx=zero)" -- --mode sink --timeout 0 --burst 64
	fido_fwd fwd "$(on2 1)" "$(dev 0 fwd gen "rx=$2")" "$(dev 1 fwd sink "rx=$2")" -- --json --quiet --on-down hold \
		"${@:3}"
	pktcheck gen "$(on 0)" "$(dev 0 gen fwd)" -- --mode gen --size 60-1514 --timeout 0 --burst 64
	up gen sink
	wait_for 20 "[ \$(xstat sink 0 rx_good_packets) -gt 5000 ]" || fail "no traffic"
	echo_run kill "-$1" "${lib_pid[fwd]}"
	finish fwd 20
	is_running gen || fail "gen exited with it"
	is_running sink || fail "sink exited with it"
	wait_for 20 "[ \$(xstat sink 0 rx_good_packets) -ge $(result fwd .tx_packets) ]" ||
		fail "of $(result fwd .tx_packets) packets only $(xstat sink 0 rx_good_packets) came to sink"
	stop gen
	stop sink
	accepted=$(port_stat gen 0 tx_good_packets)
	echo "gen was allowed to send $accepted, fwd received $(result fwd .rx_packets) and sent $(result fwd .tx_packets)," \
		"sink received $(result sink .rx_packets)"
	expect_eq "$(result fwd .lost),$(result fwd .tx_dropped)" 0,0 "fwd: lost, dropped"
	expect_eq "$(result fwd .rx_packets)" "$accepted" "fwd: received, of what gen was allowed to send"
	expect_received sink "$accepted"
	expect_stat gen 0 tx_error_completions 0
	expect_eq "$(result gen .mbufs_missing)" 0 "gen: mbufs missing"
}

for rx in zero copy; do
	run INT $rx
	run TERM $rx --idle adaptive --mode mac
done
run INT zero --rxd 64 --txd 64 --mode touch
