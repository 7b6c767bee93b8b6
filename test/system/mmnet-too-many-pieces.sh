#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Proves: a packet that needs more buffers for its copy than its queue has, or more descriptors than
# its ring, is dropped and counted, and the queue goes on: it does not wait forever.
#
#	tx [testpmd, heap=off: copies everything] ==> rx [testpmd, rxonly]
set -eu
# shellcheck source=test/system/mmnet.bash
. "$(dirname "$0")/mmnet.bash"
need_hugepages 256
queues=(--rxq=8 --txq=8 --total-num-mbufs=4096)

# start_tx SEGMENTS TXD [ARG...]: it sends packets of that many segments
start_tx()
{
	local segments=$1 txd=$2
	shift 2
	testpmd tx "$(on2 0)" "$(dev 0 tx rx "$@")" -- --no-flush-rx --forward-mode=io --burst=1 --txd="$txd" "${queues[@]}" \
		--tx-offloads=0x8000 --txpkts="$(printf '64%.0s,' $(seq "$segments") | sed 's/,$//')"
	wait_for 20 'telemetry tx /ethdev/link_status,0 | matches "\"UP\""' || fail "the link does not come up"
}

# burst WHAT SENT DROPPED: of one packet on each queue
burst()
{
	testpmd_cmd tx "clear port xstats all" >/dev/null
	testpmd_cmd tx "start tx_first" >/dev/null
	testpmd_cmd tx stop >/dev/null
	wait_for 10 "[ \"\$(xstat rx 0 rx_good_packets)\" -ge $((received += $2)) ]" || true
	expect_eq "$(xstat tx 0 tx_good_packets) $(xstat tx 0 tx_dropped) $(xstat rx 0 rx_good_packets)" "$2 $3 $received" \
		"$1: sent, dropped, received in all"
}

# At the end nothing is out.
end_tx()
{
	testpmd_cmd tx "set txpkts 64" >/dev/null
	burst "one segment" 8 0
	testpmd_cmd tx "port stop 0" >/dev/null
	expect_eq "$(xstat tx 0 tx_buffers_out)" 0 "buffers that did not come back"
	stop tx
}

received=0
testpmd rx "$(on2 1)" "$(dev 0 rx tx rx=copy)" -- --no-flush-rx --forward-mode=rxonly --mbuf-size=12288 "${queues[@]}"
testpmd_cmd rx start >/dev/null

# The smallest arena is 2 MiB, in buffers of 2 KiB: each of 8 queues has 128, one for each segment.
echo "--- as many as there are to copy into"
start_tx 128 1024 heap=off arena=64K
burst "128 segments" 8 0
end_tx
echo "--- one more"
start_tx 129 1024 heap=off arena=64K
burst "129 segments" 0 8
end_tx
echo "--- as many as the ring has"
start_tx 64 64
burst "64 segments" 8 0
end_tx
echo "--- one more"
start_tx 65 64
burst "65 segments" 0 8
end_tx
stop rx
