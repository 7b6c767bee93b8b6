# shellcheck shell=dash
# SPDX-License-Identifier: BSD-3-Clause
# Unmodified DPDK applications in three guests, of either bed; source it after dpdk-jobs.sh. $group
# is the name of the group.
#
#	GEN: testpmd ==> FWD: fido-fwd ==> SINK: pktcheck (contents), testpmd (load)
#
#   chain_of GEN FWD SINK    choose the guests
#   chain_contents           what testpmd sends reaches SINK, byte by byte, without a copy: SINK
#                            reads GEN's memory
#   chain_load               after that, as many packets as there is room for: hardly a doorbell
#                            rings. Sets $chain_packets and $chain_doorbells, a second
#   chain_end                end all of them
# shellcheck disable=SC2154

chain_count=4000

chain_of()
{
	chain_gen=$1 chain_fwd=$2 chain_sink=$3
}

# No domain copied anything; GEN sent its own memory, and FWD forwarded it.
expect_no_copies()
{
	expect_eq "$(total_of gen fwd tx copied)" 0 "packets copied on their way out of gen"
	expect_eq "$(total_of gen fwd tx zero_copy)" "$(total_of gen fwd tx packets)" "packets of gen's by address"
	expect_eq "$(total_of fwd sink tx copied)" 0 "packets copied on their way out of fwd"
	expect_eq "$(total_of fwd sink tx forwarded)" "$(total_of fwd sink tx packets)" "packets of gen's by address"
	expect_eq "$(total_of fwd gen rx zero_copy)" "$(total_of fwd gen rx packets)" "packets read in place by fwd"
	expect_eq "$(total_of fwd gen rx copied header bad)" 0 "packets copied or refused by fwd"
}

chain_contents()
{
	# testpmd sends what pktcheck wrote to a file; pktcheck must find the same in SINK.
	on "$chain_gen" "pktcheck -l 0 --no-huge -m 64 --no-pci --vdev=net_pcap0,tx_pcap=/tmp/in.pcap -- --mode gen --count $chain_count \
		--size 60-1514 --random --mbufs 2048 >/tmp/in.log 2>&1 || { cat /tmp/in.log; false; }"
	testpmd "$chain_gen" gen "--vdev=net_pcap0,rx_pcap=/tmp/in.pcap $(dev gen fwd 0) --"
	fwd "$chain_fwd" fwd "$(dev fwd gen 0) $(dev fwd sink 1) -- --map 0:1 --burst 256 --idle adaptive"
	# Last: it polls from its start on.
	bg "$chain_sink" sink "exec pktcheck $eal_fwd $(dev sink fwd 0) -- --mode sink --expect $chain_count --mbufs 2048 --timeout 240"
	connected 3 2
	testpmd_cmd "$chain_gen" gen 'set fwd io retry' 'set burst tx delay 1000 retry 5000' start
	try_wait_bg "$chain_sink" sink 60 || fail "sink: $(output "$chain_sink")"
	output "$chain_sink" | tail -n 1 >"$ctl_dir/sink.json"
	expect_eq "$(jq -r '[.rx_packets, .corrupt, .lost, .duplicate, .late, .ports[0].xstats.rx_zero_copy_packets,
		.ports[0].xstats.rx_copied_packets] | map(tostring) | join(" ")' "$ctl_dir/sink.json")" "$chain_count 0 0 0 0 $chain_count 0" \
		"sink: packets, corrupt, lost, duplicate, late, read in place, copied"
	testpmd_cmd "$chain_gen" gen stop
	counters
	expect_eq "$(total_of gen fwd tx packets)" $chain_count "packets that testpmd sent"
	expect_no_copies
}

chain_load()
{
	# testpmd's own packets, as many as there is room for.
	testpmd "$chain_sink" sink "$(dev sink fwd 0) -- --forward-mode=rxonly --burst=256"
	connected 3 2
	testpmd_cmd "$chain_sink" sink start
	testpmd_cmd "$chain_gen" gen 'set portlist 1' 'set fwd txonly' 'set burst 256' start
	counters 3
	chain_packets=$(rate_of sink fwd rx packets)
	chain_doorbells=$(rate_of any any any doorbells)
	expect_ge "$chain_packets" 100 "packets a second"
	doorbells_ok "$chain_packets" "$chain_doorbells" "at load, a second"
	# testpmd never sleeps: no doorbell rings for it, neither for packets nor for returned buffers.
	expect_eq "$(total_of fwd sink tx doorbells) $(total_of fwd gen rx doorbells)" "0 0" "doorbells to those who poll"
	expect_no_copies
	expect_eq "$(total_of sink fwd rx zero_copy)" "$(total_of sink fwd rx packets)" "packets read in place by sink"
	expect_eq "$(total_of sink fwd rx copied header bad)" 0 "packets copied or refused by sink"
}

chain_end()
{
	local job
	testpmd_cmd "$chain_gen" gen stop quit
	testpmd_cmd "$chain_sink" sink quit
	kill_bg "$chain_fwd" fwd INT
	for job in "$chain_gen:gen" "$chain_fwd:fwd" "$chain_sink:sink"; do
		wait_bg "${job%:*}" "${job#*:}" 30
	done
}
