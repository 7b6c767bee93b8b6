#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Proves: an unmodified DPDK application's packets cross without a copy, with right content,
# whatever EAL memory mode the sender and the receiver use.
#
#	gen (mode A) ==> echo (mode B)      for each pair of adjacent modes in the list below,
#	gen (mode A) <== echo (mode B)      so that each mode once sends and once receives
set -eu
# shellcheck source=test/system/mmnet.bash
. "$(dirname "$0")/mmnet.bash"
need_hugepages 768
eal_memory=()

# More than the others: where the machine's free pages are not contiguous, a pool takes half of
# each.
legacy="-m 256 --legacy-mem"
modes=(
	"-m 128"
	"-m 128 --single-file-segments"
	"-m 128 --in-memory"
	"-m 128 --in-memory --single-file-segments"
	"-m 128 --no-huge"
	"$legacy"
	"-m 128 --huge-unlink"
	"--huge-unlink=never"
)
count=20000

# pair MODE MODE: packets there and back
pair()
{
	local a b
	read -ra a <<<"$1"
	read -ra b <<<"$2"
	echo "--- sender: ${1}; receiver: $2"
	pktcheck echo "$(on 1)" "${b[@]}" "$(dev 0 echo gen rx=zero)" -- --mode echo --expect $count --size 60-9000
	pktcheck gen "$(on 0)" "${a[@]}" "$(dev 0 gen echo rx=zero)" -- --mode gen --return yes --count $count \
		--size 60-9000 --segs 2 --room 9000 --mbufs 2048
	finish gen 40
	finish echo 10
	expect_received echo $count
	expect_received gen $count
	expect_no_copies gen 0
	expect_no_copies echo 0
	expect_stat gen 0 tx_zero_copy_packets $count
	expect_stat echo 0 tx_forwarded_packets $count
	expect_stat gen 0 tx_error_completions 0
	expect_stat echo 0 rx_bad_descriptors 0
}

# DPDK 22.11 treats --no-huge as a kind of --legacy-mem, and refuses it with --in-memory; if a later
# one accepts it, it is one more mode.
no_huge_in_memory="-m 128 --no-huge --in-memory"
# shellcheck disable=SC2086 # options
pktcheck probe "$(on 0)" $no_huge_in_memory --vdev=net_null0 -- --mode sink --duration 0.01
wait_for 20 "! is_running probe"
if grep -q 'legacy-mem is not compatible with --in-memory' "$(log_of probe)"; then
	echo "--- EAL refuses: $no_huge_in_memory"
else
	modes+=("$no_huge_in_memory")
fi

for ((i = 0; i < ${#modes[@]}; i++)); do
	pair "${modes[i]}" "${modes[(i + 1) % ${#modes[@]}]}"
done
