#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Proves: EAL may add and free pages whose packets are under way: content stays right, nothing is
# lost, no address is refused, and packets in new memory soon go without a copy.
#
#	gen ==> fwd ==> echo      gen makes mempools, sends out of them, frees them: 80 times
#	gen <== fwd <== echo
set -eu
# shellcheck source=test/system/mmnet.bash
. "$(dirname "$0")/mmnet.bash"
need_hugepages 512
count=80000

# run TITLE RX "EAL OPTIONS OF GEN"
run()
{
	local rx=rx=$2
	read -ra eal_gen <<<"$3"
	echo "--- $1"
	fido_fwd fwd "$(on 1)" -m 64 --in-memory "$(dev 0 fwd gen "$rx")" "$(dev 1 fwd echo "$rx")" -- --idle adaptive \
		--on-down hold --mtu 9000 --json --stats-period 0
	pktcheck echo "$(on 1)" -m 64 --in-memory "$(dev 0 echo fwd "$rx")" -- --mode echo --expect $count --size 9000
	pktcheck gen "$(on 0)" "${eal_gen[@]}" "$(dev 0 gen fwd rx=zero)" -- --mode gen --return yes --count $count \
		--size 60-9000 --random --segs 2 --churn 80 --mbufs 4096 --timeout 60
	finish gen 70
	finish echo 10
	stop fwd
	expect_received gen $count
	expect_received echo $count
	echo "pools $(result gen .pools), pages added $(result gen .pages_added) times, freed $(result gen .pages_freed)" \
		"times, copied $(port_stat gen 0 tx_copied_packets) of $count"
	expect_ge "$(result gen .pools)" 40 "pools"
	expect_ge "$(result gen .pages_added)" 5 "pages added"
	expect_ge "$(result gen .pages_freed)" 5 "pages freed"
	expect_stat gen 0 tx_error_completions 0
	expect_stat gen 0 rx_bad_descriptors 0
	expect_stat echo 0 tx_error_completions 0
	expect_stat echo 0 rx_bad_descriptors 0
	expect_eq "$(fwd_stat fwd 0 rx_errors),$(fwd_stat fwd 1 rx_errors)" 0,0 "fwd: errors"
	# Packets in new memory are copied while the peer maps it, but only then.
	expect_ge "$(port_stat gen 0 tx_zero_copy_packets)" $((count / 2)) "packets without a copy"
}

eal_memory=()
run "zero copy, pages on their own" zero "-m 16 --in-memory"
run "zero copy, one file" zero "-m 16 --single-file-segments"
run "zero copy, files" zero "-m 16"
run "copies on receive" copy "-m 16 --in-memory"
