#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Proves: a sender with spread=N puts each packet, whole and with its hash, into the receive queue
# given by the receiver's key, types and table; a new key and table take effect from the next burst
# on, while the link is up; without spread the hash is right all the same.
#
#	frames.pcap --> [from: fido-fwd] ==> [ends: fido-fwd, 4 queues] --> came.pcap
#	frames.pcap --> [from: fido-fwd] ==> [rx: testpmd, 4 queues]
set -eu
# shellcheck source=test/system/mmnet.bash
. "$(dirname "$0")/mmnet.bash"
need_hugepages 384
count=900
work=$(mktemp -d)
at_exit 'rm -rf "$work"'
fwd_options=(--on-down hold --idle adaptive --stats-period 0 --json)

helper()
{
	PATH=/usr/bin:$PATH python3 -IS "$(dirname "$0")/helpers/$1.py" "${@:2}"
}

# from PEER SPREAD
from()
{
	fido_fwd from "$(on 0)" "$(dev 0 from "$1" "spread=$2")" "--vdev=net_pcap0,rx_pcap=$work/frames.pcap" -- \
		--map net_pcap0:0 "${fwd_options[@]}"
}

helper frames make "$work/frames.pcap" $count >/dev/null
echo "--- four queues, each frame by its own"
fido_fwd ends "$(on 1)" "$(dev 0 ends from rx=zero)" "--vdev=net_pcap0,tx_pcap=$work/came.pcap" -- --map 0:net_pcap0 --rxq 4 \
	"${fwd_options[@]}"
up ends
from ends 4
wait_for 20 '[ "$(xstat ends 0 rx_good_packets)" -ge $count ]' || fail "$(xstat ends 0 rx_good_packets) of $count packets came"
telemetry ends /ethdev/xstats,0 | jq -r '.[] | [.rx_q0_packets, .rx_q1_packets, .rx_q2_packets, .rx_q3_packets] | join(" ")' >"$work/counts"
stop from
stop ends
expect_eq "$(cat "$work/counts")" "$(helper rss counts "$work/frames.pcap" 4)" "packets of each queue"
helper rss same "$work/frames.pcap" "$work/came.pcap" || fail "see above"

key=$(seq 17 3 134 | xargs printf '%02x')
testpmd rx "$(on2 1)" "$(dev 0 rx from)" -- --no-flush-rx --rxq=4 --txq=4 --rss-udp
for command in "port stop all" "port config 0 rx_offload rss_hash on" "port start all" "set fwd rxonly" "set verbose 1" start; do
	testpmd_cmd rx "$command" >>"$work/commands"
done

# round SPREAD KEY TABLE TYPES
round()
{
	local before
	before=$(wc -c <"$(log_of rx)")
	testpmd_cmd rx "clear port xstats all" >>"$work/commands"
	from rx "$1"
	wait_for 20 '[ "$(xstat rx 0 rx_good_packets)" -ge $count ]' || fail "$(xstat rx 0 rx_good_packets) of $count packets came"
	stop from
	testpmd_cmd rx "show port 0 rss-hash key" >"$work/key"
	tail -c "+$before" "$(log_of rx)" >"$work/log"
	helper rss log "$work/frames.pcap" "$work/log" "$2" "$3" "$4" || fail "see above"
	grep -qi "$2" "$work/key" || fail "another key: $(cat "$work/key")"
}

echo "--- UDP alone"
round 4 6d5a56da255b0ec24167253d43a38fb0d0ca2bcbae7b30b477cb2da38030f20c6a42b73bbeac01fa 0,1,2,3 udp

echo "--- another key and table"
# With the key, testpmd sets the types: this one alone.
testpmd_cmd rx "port config 0 rss-hash-key ipv4-udp $key" >>"$work/commands"
# testpmd reads lines of about 12 entries at most.
for entry in $(seq 0 8 127); do
	part=$(for i in $(seq "$entry" $((entry + 7))); do echo "($i,$(((i * 5 + 2) % 3)))"; done | paste -sd ,)
	testpmd_cmd rx "port config 0 rss reta $part" >>"$work/commands"
done
testpmd_cmd rx "show port 0 rss reta 128 (0xffffffffffffffff,0xffffffffffffffff)" >"$work/reta"
expect_eq "$(sed -n 's/.*hash index=\([0-9]*\), queue=\([0-9]*\).*/\1 \2/p' "$work/reta" | tr '\n' ',')" \
	"$(for entry in $(seq 0 127); do echo "$entry $(((entry * 5 + 2) % 3))"; done | tr '\n' ',')" "the table"
round 4 "$key" "$(for entry in $(seq 0 127); do echo $(((entry * 5 + 2) % 3)); done | paste -sd ,)" udp4

echo "--- the hash alone: the sender has one ring"
round 1 "$key" 0 udp4
stop rx
