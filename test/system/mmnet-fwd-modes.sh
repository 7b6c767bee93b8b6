#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Proves: over mmnet, fido-fwd treats packets in another domain's read-only memory as documented, in
# each mode and Rx mode: io and touch change nothing, mac only swaps the addresses; its counters are
# true.
#
#	gen ==> fwd ==> echo      each byte is checked in echo, and again in gen: after two swaps
#	gen <== fwd <== echo      the addresses are as they were
set -eu
# shellcheck source=test/system/mmnet.bash
. "$(dirname "$0")/mmnet.bash"
need_hugepages 384
count=5000
sums=()
work=$(mktemp -d)
at_exit 'rm -rf "$work"'

# run MODE RX [OPTION OF FWD...]
run()
{
	local mode=$1 rx=rx=$2 swapped=0 segs=3 scatter=()
	# Addresses that are split between segments have to be copied: not here.
	[ "$mode" != mac ] || swapped=$count segs=1
	[ "$2" != header ] || scatter=(--scatter)
	echo "--- mode $mode, rx=$2 ${*:3}"
	fido_fwd fwd "$(on 1)" "$(dev 0 fwd gen "$rx")" "$(dev 1 fwd echo "$rx")" -- --mode "$mode" --on-down hold \
		--mtu 9000 --json --quiet "${scatter[@]}" "${@:3}"
	pktcheck echo "$(on 1)" "$(dev 0 echo fwd rx=zero)" -- --mode echo --expect $count
	pktcheck gen "$(on 0)" "$(dev 0 gen fwd rx=zero)" -- --mode gen --return yes --count $count --size 60-9000 \
		--segs $segs --seed 7 --go "$work/go"
	up gen
	all_mapped
	touch "$work/go"
	finish gen 40
	finish echo 10
	rm "$work/go"
	stop fwd
	expect_received gen $count
	expect_received echo $count
	expect_eq "$(result echo .swapped),$(result gen .swapped)" "$swapped,0" "addresses swapped in echo, in gen"
	expect_eq "$(result fwd '[.rx_packets, .tx_packets, .tx_dropped, .lost, .full_copies] | map(tostring) | join(" ")')" \
		"$((2 * count)) $((2 * count)) 0 0 0" "fwd: received, sent, dropped, lost, copied"
	expect_eq "$(result fwd .rx_bytes)" $((2 * $(result gen .tx_bytes))) "fwd: bytes"
	case $2 in
	zero) expect_eq "$(result fwd .copies),$(result fwd .zero_copy)" "0,$((2 * count))" "fwd: copies, zero copy" ;;
	copy) expect_eq "$(fwd_stat fwd 0 rx_copied_packets)" $count "fwd: copied on receive" ;;
	header) expect_ge "$(fwd_stat fwd 0 rx_header_packets)" $((count * 9 / 10)) "fwd: headers copied on receive" ;;
	esac
	if [ "$mode" = touch ]; then
		sums+=("$(result fwd .sum)")
	fi
}

for rx in zero copy header; do
	for mode in io mac touch; do
		run $mode $rx --idle adaptive
	done
done
run mac zero --idle interrupt --burst 512
expect_eq "$(result fwd .header_copies)" $((2 * count)) "headers copied to write to"
run touch zero --idle adaptive --burst 1
expect_eq "$(printf '%s\n' "${sums[@]}" | sort -u | wc -l)" 1 "different sums of the same bytes: ${sums[*]}"
