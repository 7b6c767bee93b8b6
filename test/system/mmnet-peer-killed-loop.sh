#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Proves: buffers come back also when the domain that was killed had them twice, on their way there and back: then
# who sent them to it got them from it.
#
#	gen ==> fwd ==> echo     SIGKILL of gen, of echo and of fwd, while packets of gen go round
#	gen <== fwd <== echo
set -eu
# shellcheck source=test/system/mmnet.bash
. "$(dirname "$0")/mmnet.bash"
need_hugepages 384

launch()
{
	case $1 in
	gen) pktcheck gen "$(on 0)" "$(dev 0 gen fwd rx=zero)" -- --mode gen --return any --size 60-2000 --timeout 0 \
		--seed "$2" "${@:3}" ;;
	fwd) fido_fwd fwd "$(on 1)" "$(dev 0 fwd gen rx=zero)" "$(dev 1 fwd echo rx=zero)" -- --idle adaptive \
		--on-down hold --json --stats-period 0 --mtu 3000 ;;
	echo) pktcheck echo "$(on 0)" "$(dev 0 echo fwd rx=zero)" -- --mode echo --timeout 0 ;;
	esac
	up "$1"
}

# flows: packets come back to gen now
flows()
{
	local before
	before=$(xstat gen 0 rx_good_packets)
	wait_for 10 "[ \$(xstat gen 0 rx_good_packets) -gt $((before + 500)) ]" || fail "no packets come back after: $1"
}

launch fwd
launch echo
launch gen 1
flows "the start"
seed=2
for name in echo gen fwd gen fwd echo; do
	echo "--- $name is killed"
	kill_hard $name
	sleep 0.2
	launch $name $seed
	seed=$((seed + 1))
	flows "$name was killed"
done
stop gen
expect_eq "$(result gen '[.corrupt, .mbufs_missing] | map(tostring) | join(" ")')" "0 0" "gen: corrupt, mbufs missing"
launch gen 100 --count 5000 --return yes
finish gen 30
expect_eq "$(result gen '[.corrupt, .rx_own, (.flows[] | select(.seed == 100) | .lost, .duplicate, .late)] |
	map(tostring) | join(" ")')" "0 5000 0 0 0" "gen: corrupt, received, lost, duplicate, late"
stop fwd
stop echo
expect_eq "$(result echo .corrupt)" 0 "echo: corrupt"
