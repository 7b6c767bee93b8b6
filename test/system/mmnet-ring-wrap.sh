#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Proves: the smallest rings carry millions of descriptors, past the wrap of a descriptor's 16-bit
# lap, without loss; a ring of any size from 64 on works, a smaller one is refused.
#
#	gen ==[ rings of 64 ]==> sink      65,536 laps of 64 are 4.2 million descriptors
#	testpmd, alone                     --txd=1000
set -eu
# shellcheck source=test/system/mmnet.bash
. "$(dirname "$0")/mmnet.bash"
need_hugepages 256

count=560000
echo "--- half a million packets of 1 to 15 segments, eight on average"
pktcheck sink "$(on 1)" "$(dev 0 sink gen rx=zero)" -- --mode sink --expect $count --rxd 64 --txd 64 --burst 64 \
	--timeout 90 --spin
pktcheck gen "$(on 0)" "$(dev 0 gen sink)" -- --mode gen --count $count --size 90 --segs 15 --rxd 64 --txd 64 \
	--burst 64 --timeout 90 --spin
finish gen 95
finish sink 10
expect_received sink $count
expect_stat gen 0 tx_zero_copy_packets $count
expect_stat gen 0 tx_error_completions 0
expect_ge "$(port_stat gen 0 tx_ring_full)" 1 "the ring was never full"

echo "--- a forwarder with rings of 64 keeps all that it accepts"
fido_fwd fwd "$(on 1)" "$(dev 0 fwd gen rx=zero)" "$(dev 1 fwd sink rx=zero)" -- --rxd 64 --txd 64 --idle adaptive \
	--on-down hold --json --stats-period 0
pktcheck sink "$(on 0)" "$(dev 0 sink fwd rx=copy)" -- --mode sink --expect 300000 --rxd 64 --txd 64
pktcheck gen "$(on 0)" "$(dev 0 gen fwd)" -- --mode gen --count 300000 --size 60-200 --rxd 64 --txd 64
finish gen 40
finish sink 10
stop fwd
expect_received sink 300000
expect_eq "$(result fwd .lost),$(result fwd .tx_dropped),$(result fwd .copies)" 0,0,0 "fwd: lost, dropped, copies"

echo "--- rings of any size, and one that is too small"
for size in 1000 100 65; do
	pktcheck sink "$(on 1)" "$(dev 0 sink gen)" -- --mode sink --expect 20000 --rxd $size --txd $size
	pktcheck gen "$(on 0)" "$(dev 0 gen sink)" -- --mode gen --count 20000 --size 60-1514 --rxd $size --txd $size
	finish gen 40
	finish sink 10
	expect_received sink 20000
done
pktcheck bad "$(on 0)" "$(dev 0 bad nobody)" -- --mode sink --txd 32 --duration 0.1
finish bad 20 1
grep -Eq "nb_tx_desc\(=32\), should be: <= 32768, >= 64" "$(log_of bad)" || fail "--txd 32: no message: $(tail -n 3 "$(log_of bad)")"
testpmd any "$(on2 0)" "$(dev 0 any nobody)" -- --total-num-mbufs=4096
testpmd_cmd any "port stop 0" >/dev/null
testpmd_cmd any "port config all txd 1000" >/dev/null
testpmd_cmd any "port start 0" | matches 'Port 0' || fail "the port does not start with a ring of 1000"
testpmd_cmd any "show txq info 0 0" | matches 'Number of TXDs: 1024' || fail "the port does not report the ring's size"
stop any
