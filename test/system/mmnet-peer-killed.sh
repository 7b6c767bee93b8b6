#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Proves: when a domain is killed under traffic the others go on without a restart; when it comes
# back the links do too, all that is sent from then on arrives, and no buffer is lost: at the end
# all of them are back.
#
#   gen ==> fwd ==> sink     SIGKILL of each of them in turn, with packets of all three everywhere
set -eu
# shellcheck source=test/system/mmnet.bash
. "$(dirname "$0")/mmnet.bash"
need_hugepages 384

launch()
{
	case $1 in
	gen) pktcheck gen "$(on 0)" "$(dev 0 gen fwd)" -- --mode gen --size 60-2000 --timeout 0 --seed "$2" "${@:3}" ;;
	fwd) fido_fwd fwd "$(on 1)" "$(dev 0 fwd gen "rx=$rx")" "$(dev 1 fwd sink "rx=$rx")" -- --idle adaptive \
		--on-down hold --json --stats-period 0 --mtu 3000 ;;
	sink) pktcheck sink "$(on 0)" "$(dev 0 sink fwd "rx=$rx")" -- --mode sink --timeout 0 --hold 200 --size 2000 ;;
	esac
	up "$1"
}

# flows: packets arrive at sink now
flows()
{
	local before
	before=$(xstat sink 0 rx_good_packets)
	wait_for 20 "[ \$(xstat sink 0 rx_good_packets) -gt $((before + 2000)) ]" || fail "rx=$rx: no packets come after: $1"
}

for rx in copy zero; do
	echo "--- rx=$rx"
	launch fwd
	launch sink
	launch gen 1
	flows "the start"
	seed=2
	for name in gen sink fwd gen sink fwd; do
		echo "--- rx=$rx: $name is killed"
		kill_hard $name
		sleep 0.2
		launch $name $seed
		seed=$((seed + 1))
		flows "$name was killed"
	done
	echo "--- rx=$rx: the end"
	stop gen
	expect_eq "$(result gen .mbufs_missing)" 0 "gen: mbufs missing"
	launch gen 100 --count 5000
	finish gen 30
	wait_for 10 "[ \$(xstat fwd 0 rx_buffers_held) = 0 ]" || fail "fwd still holds $(xstat fwd 0 rx_buffers_held) buffers"
	expect_eq "$(xstat fwd 1 tx_buffers_out)" 0 "fwd: buffers out"
	stop sink
	stop fwd
	expect_eq "$(result sink .corrupt)" 0 "sink: corrupt"
	expect_eq "$(result sink '.flows[] | select(.seed == 100) | [.packets, .lost, .duplicate, .late] | map(tostring) | join(" ")')" \
		"5000 0 0 0" "the last run: received, lost, duplicate, late"
	expect_eq "$(result fwd '.lost')" 0 "fwd: lost"
done
