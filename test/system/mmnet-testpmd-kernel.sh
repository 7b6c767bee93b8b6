#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Proves: testpmd on mmnet ports works with kernels: in mode icmpecho it answers their ARP and
# pings, in mode csum it computes every checksum of a TCP transfer anew, and the transfer arrives
# whole.
#
#	netns a: kernel - tap - fido-fwd ==> [testpmd] ==> fido-fwd - tap - kernel :netns b
#	         10.99.0.1               <==           <==                  10.99.0.2
set -eu -o pipefail
# shellcheck source=test/system/mmnet.bash
. "$(dirname "$0")/mmnet.bash"
[ -c /dev/net/tun ] || skip "no /dev/net/tun: modprobe tun"
need_hugepages 256
mib=16
fwd_options=(--mbufs 2048 --on-down hold --idle adaptive --quiet --stats-period 0 --json)
work=$(mktemp -d)
at_exit 'rm -rf "$work"'

netns_add a
netns_add b
testpmd pmd "$(on2 1)" "$(dev 0 pmd left)" "$(dev 1 pmd right)" --
testpmd_cmd pmd "set fwd icmpecho" >/dev/null
testpmd_cmd pmd start >/dev/null
fwd_to_tap left a 10.99.0.1 "$(dev 0 left pmd hugepages=off)" "${fwd_options[@]}"
fwd_to_tap right b 10.99.0.2 "$(dev 0 right pmd hugepages=off)" "${fwd_options[@]}"
for port in 0 1; do
	wait_for 20 "telemetry pmd /ethdev/link_status,$port | matches '\"UP\"'" || fail "the link of port $port does not come up"
done

echo "--- icmpecho: nobody else has this address"
echo_run in_ns a ping -q -c 100 -i 0.01 -s 1400 -w 30 10.99.0.77 >"$work/ping" || fail "ping: $(cat "$work/ping")"
expect_eq "$(grep -o '[0-9]* received' "$work/ping")" "100 received" "answers"
testpmd_cmd pmd stop >/dev/null

echo "--- csum"
for command in "csum mac-swap off 0" "csum mac-swap off 1" "set fwd csum" "clear port xstats all" "start"; do
	testpmd_cmd pmd "$command" >/dev/null
done
head -c "${mib}M" /dev/urandom >"$work/sent"
start server ip netns exec "$(netns_of b)" python3 -IS -c '
import shutil, socket, sys
listener = socket.create_server(("10.99.0.2", 5001))
with listener.accept()[0].makefile("rb") as come, open(sys.argv[1], "wb") as out:
	shutil.copyfileobj(come, out)' "$work/came"
wait_for 20 'in_ns b ss -ltn | matches :5001' || fail "the server does not listen: $(cat "$(log_of server)")"
echo_run in_ns a timeout 60 bash -c 'cat "$1" >/dev/tcp/10.99.0.2/5001' - "$work/sent"
finish server 10
cmp "$work/sent" "$work/came"
expect_ge "$(xstat pmd 1 tx_good_bytes)" $((mib << 20)) "bytes that went through testpmd"
for name in left right; do
	stop $name
	expect_eq "$(result $name .lost)" 0 "$name: lost"
done
stop pmd
