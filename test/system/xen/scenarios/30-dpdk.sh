# shellcheck shell=dash
# SPDX-License-Identifier: BSD-3-Clause
# Unmodified DPDK applications in guests: what testpmd in domA sends reaches domC over fido-fwd in
# domB, byte by byte, without a copy: domC reads domA's memory. Under load hardly a doorbell rings.
#
#	domA: testpmd ==> domB: fido-fwd ==> domC: pktcheck (contents), testpmd (load)
# shellcheck source=test/system/xen/guest/dpdk.sh
. /bed/dpdk.sh
group=dpdk
count=4000
need domA domB domC
on dom0 fido-group create $group 0 "$(domid domA)" "$(domid domB)" "$(domid domC)"

# No domain copied anything; domA sent its own memory, and domB forwarded domA's.
expect_no_copies()
{
	expect_eq "$(total_of gen fwd tx copied)" 0 "packets copied on their way out of domA"
	expect_eq "$(total_of gen fwd tx zero_copy)" "$(total_of gen fwd tx packets)" "packets of domA's by address"
	expect_eq "$(total_of fwd sink tx copied)" 0 "packets copied on their way out of domB"
	expect_eq "$(total_of fwd sink tx forwarded)" "$(total_of fwd sink tx packets)" "packets of domA's by address"
	expect_eq "$(total_of fwd gen rx zero_copy)" "$(total_of fwd gen rx packets)" "packets read in place by domB"
	expect_eq "$(total_of fwd gen rx copied header bad)" 0 "packets copied or refused by domB"
}

# testpmd sends what pktcheck wrote to a file; pktcheck must find the same in domC.
on domA "pktcheck -l 0 --no-huge -m 64 --no-pci --vdev=net_pcap0,tx_pcap=/tmp/in.pcap -- --mode gen --count $count \
	--size 60-1514 --random --mbufs 2048 >/tmp/in.log 2>&1 || { cat /tmp/in.log; false; }"
testpmd domA gen "--vdev=net_pcap0,rx_pcap=/tmp/in.pcap $(dev gen fwd 0) --"
fwd domB fwd "$(dev fwd gen 0) $(dev fwd sink 1) -- --map 0:1 --burst 256 --idle adaptive"
# Last: it polls from its start on.
bg domC sink "exec pktcheck $eal_fwd $(dev sink fwd 0) -- --mode sink --expect $count --mbufs 2048 --timeout 240"
connected 3 2
testpmd_cmd domA gen 'set fwd io retry' 'set burst tx delay 1000 retry 5000' start
try_wait_bg domC sink 60 || fail "domC: $(output domC)"
output domC | tail -n 1 >/run/sink.json
expect_eq "$(jq -r '[.rx_packets, .corrupt, .lost, .duplicate, .late, .ports[0].xstats.rx_zero_copy_packets,
	.ports[0].xstats.rx_copied_packets] | map(tostring) | join(" ")' /run/sink.json)" "$count 0 0 0 0 $count 0" \
	"domC: packets, corrupt, lost, duplicate, late, read in place, copied"
testpmd_cmd domA gen stop
counters
expect_eq "$(total_of gen fwd tx packets)" $count "packets that testpmd sent"
expect_no_copies

# testpmd's own packets, as many as there is room for.
testpmd domC sink "$(dev sink fwd 0) -- --forward-mode=rxonly --burst=256"
connected 3 2
testpmd_cmd domC sink start
testpmd_cmd domA gen 'set portlist 1' 'set fwd txonly' 'set burst 256' start
counters 3
packets=$(rate_of sink fwd rx packets)
expect_ge "$packets" 100 "packets a second"
doorbells_ok "$packets" "$(rate_of any any any doorbells)" "at load, a second"
# For 50-netfront.
# shellcheck disable=SC2154 # lib.sh sets $bed
echo "$(rate_of any any any doorbells) $packets" | awk '{ printf "%.5f\n", $1 / $2 }' >"$bed/net.load"
# testpmd never sleeps: no doorbell rings for it, neither for packets nor for returned buffers.
expect_eq "$(total_of fwd sink tx doorbells) $(total_of fwd gen rx doorbells)" "0 0" "doorbells to those who poll"
expect_no_copies
expect_eq "$(total_of sink fwd rx zero_copy)" "$(total_of sink fwd rx packets)" "packets read in place by domC"
expect_eq "$(total_of sink fwd rx copied header bad)" 0 "packets copied or refused by domC"
testpmd_cmd domA gen stop quit
testpmd_cmd domC sink quit
kill_bg domB fwd INT
for job in domA:gen domB:fwd domC:sink; do
	wait_bg "${job%:*}" "${job#*:}" 30
done
on dom0 fido-group destroy $group
