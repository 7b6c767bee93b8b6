#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Proves: unfinished packets of a TCP transfer between two kernels (without checksums, not yet
# segmented) cross testpmd and the links as they are, the tap ports at the ends finish them, and the
# transfer arrives whole.
#
#	netns a: kernel - tap - fido-fwd ==> [testpmd, csum] ==> fido-fwd - tap - kernel :netns b
#	         10.99.0.1               <==                 <==                  10.99.0.2
set -eu -o pipefail
# shellcheck source=test/system/mmnet.bash
. "$(dirname "$0")/mmnet.bash"
[ -c /dev/net/tun ] || skip "no /dev/net/tun: modprobe tun"
need_hugepages 256
mib=2
segsz=536
fwd_options=(--mbufs 2048 --on-down hold --idle adaptive --quiet --stats-period 0 --json --offload)
work=$(mktemp -d)
at_exit 'rm -rf "$work"'

netns_add a
netns_add b
testpmd pmd "$(on2 1)" "$(dev 0 pmd left)" "$(dev 1 pmd right)" -- --enable-scatter --tx-offloads=0x8000
for command in "port stop all" "csum set ip hw 0" "csum set tcp hw 0" "csum set ip hw 1" "csum set tcp hw 1" "tso set $segsz 1" \
	"port start all" "csum mac-swap off 0" "csum mac-swap off 1" "set fwd csum" "start"; do
	testpmd_cmd pmd "$command" >>"$work/commands"
done
fwd_to_tap left a 10.99.0.1 "$(dev 0 left pmd hugepages=off,rx=zero)" "${fwd_options[@]}"
fwd_to_tap right b 10.99.0.2 "$(dev 0 right pmd hugepages=off,rx=zero)" "${fwd_options[@]}"
for port in 0 1; do
	wait_for 20 "telemetry pmd /ethdev/link_status,$port | matches '\"UP\"'" || fail "the link of port $port does not come up"
done

head -c "${mib}M" /dev/urandom >"$work/sent"
start server ip netns exec "$(netns_of b)" python3 -IS -c '
import shutil, socket, sys
listener = socket.create_server(("10.99.0.2", 5001))
with listener.accept()[0].makefile("rb") as come, open(sys.argv[1], "wb") as out:
	shutil.copyfileobj(come, out)' "$work/came"
wait_for 20 'in_ns b ss -ltn | matches :5001' || fail "the server does not listen: $(cat "$(log_of server)")"
start capture ip netns exec "$(netns_of b)" timeout 60 tcpdump -p -n -i fido0 -w "$work/seen.pcap" "tcp and dst port 5001"
wait_for 20 'grep -q "listening on" "$(log_of capture)"' || fail "no capture: $(cat "$(log_of capture)")"
echo_run in_ns a timeout 60 bash -c 'cat "$1" >/dev/tcp/10.99.0.2/5001' - "$work/sent"
finish server 10
stop capture
cmp "$work/sent" "$work/came"
packets=$(xstat pmd 1 tx_good_packets)
finished=$(($(xstat pmd 1 tx_copied_packets) + $(xstat pmd 0 tx_copied_packets)))
if dpdk_before 23.11; then
	expect_eq $finished 0 "packets that testpmd's ports had to finish"
else
	# Later taps cannot: see finds_sums_itself() in apps/fido-fwd/port.c.
	expect_ge $finished 1 "packets that testpmd's ports had to finish"
fi
for name in left right; do
	stop $name
	expect_eq "$(result $name .lost)" 0 "$name: lost"
done
stop pmd
tcpdump -n -v -r "$work/seen.pcap" 2>/dev/null >"$work/seen"
expect_eq "$(grep -c incorrect "$work/seen" || true)" 0 "packets with a wrong checksum"
longest=$(grep -o 'length [0-9]*$' "$work/seen" | sort -k 2 -n | tail -n 1)
expect_eq "$longest" "length $segsz" "the longest segment"
! dpdk_before 23.11 ||
	expect_ge "$(grep -c "length $segsz\$" "$work/seen")" $((packets + 1)) \
		"segments, of $packets packets that testpmd sent"
