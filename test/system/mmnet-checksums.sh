#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Proves: IPv4 header checksums left to the port are right on arrival, whether the port may write to
# the packet or has to copy its first segment, whose memory the mbuf shares; and the receiving port
# verifies them, in every Rx mode.
#
#	gen ==> sink      gen sends headers without a checksum
set -eu
# shellcheck source=test/system/mmnet.bash
. "$(dirname "$0")/mmnet.bash"
need_hugepages 256
count=5000

# run RX POOL SEGMENTS COPIED [OPTION OF SINK...]: COPIED is the number of packets that gen's port
# copies
run()
{
	echo "--- rx=$1, mbufs of pool $2, up to $3 segments"
	pktcheck sink "$(on 1)" "$(dev 0 sink gen "rx=$1")" -- --mode sink --ipv4 to-1 --csum --expect $count --size 2000 "${@:5}"
	pktcheck gen "$(on 0)" "$(dev 0 gen sink)" -- --mode gen --ipv4 to-1 --csum --count $count --size 80-2000 \
		--pool "$2" --segs "$3" --room 2048
	finish gen 40
	finish sink 10
	expect_received sink $count
	expect_eq "$(result sink .checked)" $count "packets whose checksum sink's port found right"
	expect_stat gen 0 tx_copied_packets "$4"
	expect_stat gen 0 tx_zero_copy_packets $((count - $4))
}

run copy default 1 0
run zero default 1 0
run header default 1 0 --scatter
run copy extbuf 1 $count
run zero extbuf 1 $count
