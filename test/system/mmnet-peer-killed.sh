#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Proves: when a peer is killed under traffic the survivors go on without a restart; when it comes back the link
# does too, all that is sent from then on arrives, and no buffer is lost for ever.
#
#	gen ==> fwd ==> echo     SIGKILL of gen, and of echo, while packets of all three are everywhere
#	gen <== fwd <== echo
set -eu
# shellcheck source=test/system/mmnet.bash
. "$(dirname "$0")/mmnet.bash"
need_hugepages 384

start_gen()
{
	pktcheck gen "$(on 0)" "$(dev 0 gen fwd "rx=$rx")" -- --mode gen --return "$1" --count "$2" --size 60-2000 \
		--timeout 15 --seed "$3"
}

start_echo()
{
	pktcheck echo "$(on 1)" "$(dev 0 echo fwd "rx=$rx")" -- --mode echo --timeout 0 --size 2000
}

# traffic NAME: packets come to it
traffic()
{
	up "$1"
	wait_for 15 "[ \$(xstat $1 0 rx_good_packets) -gt 500 ]" || fail "rx=$rx: no traffic to $1"
}

# whole SEED: all of a new run arrives, also if what its killed predecessors had sent still comes back
whole()
{
	start_gen yes 5000 "$1"
	finish gen 30
	expect_eq "$(result gen "[.corrupt, .rx_own, (.flows[] | select(.seed == $1) | .packets, .lost, .duplicate, .late)] |
		map(tostring) | join(\" \")")" "0 5000 5000 0 0 0" "gen: corrupt, received, of those lost, duplicate, late"
}

for rx in copy zero; do
	echo "--- rx=$rx"
	fido_fwd fwd "$(on 1)" "$(dev 0 fwd gen "rx=$rx")" "$(dev 1 fwd echo "rx=$rx")" -- --idle adaptive --on-down hold \
		--json --stats-period 0 --mtu 3000
	start_echo
	for seed in 1 2 3; do
		echo "--- rx=$rx: the sender is killed"
		start_gen yes 0 $seed
		traffic gen
		kill_hard gen
	done
	whole 4
	for seed in 5 6 7; do
		echo "--- rx=$rx: the receiver is killed"
		start_gen any 0 $seed
		traffic echo
		kill_hard echo
		start_echo
		traffic echo
		stop gen
	done
	whole 8
	stop fwd
	stop echo
	expect_eq "$(result echo .corrupt)" 0 "echo: corrupt"
done
