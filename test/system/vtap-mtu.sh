#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Proves: when others raise the MTU of an interface, a port with scattered Rx receives the longer
# frames whole, and one without drops and counts those that do not fit into an mbuf. An application
# cannot set an MTU whose frames do not fit. Mbufs that are too small or too few for the longest
# frame are refused at the start.
#
#	netns a: kernel - vtap port 0 - testpmd - vtap port 1 - kernel :netns a
set -eu -o pipefail
# shellcheck source=test/system/vtap.bash
. "$(dirname "$0")/vtap.bash"
netns_add a
ns=$(netns_of a)

# OPTION...: start testpmd with port 0 as fido0, whose MTU others raise, and send 3 frames of 8042 bytes.
send_long()
{
	testpmd pmd "$(on2 1)" "--vdev=net_vtap0,iface=fido0,netns=$ns" "--vdev=net_vtap1,iface=fido1,netns=$ns" -- \
		--total-num-mbufs=2048 --forward-mode=rxonly "$@"
	testpmd_cmd pmd start
	in_ns a sysctl -qw net.ipv6.conf.fido0.disable_ipv6=1
	in_ns a ip addr add 10.99.0.1/24 dev fido0
	in_ns a ip neigh add 10.99.0.2 lladdr 02:00:00:00:00:02 dev fido0
	in_ns a ip link set fido0 mtu 9000
	wait_for 10 '[ "$(telemetry pmd /ethdev/info,0 | jq -r ".[].mtu")" = 9000 ]' || fail "the MTU is not adopted"
	bytes=$(xstat pmd 0 rx_good_bytes)
	in_ns a ping -q -c 3 -i 0.2 -W 0.1 -s 8000 10.99.0.2 >/dev/null || true
}

echo "--- one mbuf to a frame"
send_long
wait_for 10 '[ "$(xstat pmd 0 rx_too_long)" = 3 ]' || fail "$(xstat pmd 0 rx_too_long) frames were too long, not 3"
expect_eq "$(xstat pmd 0 rx_good_bytes)" "$bytes" "bytes after frames that do not fit"
expect_eq "$(xstat pmd 0 rx_errors)" 3 "errors"
testpmd_cmd pmd "port config mtu 0 6000" >"$lib_dir/answer" 2>&1
grep -q "frames of an MTU of 6000 do not fit" "$lib_dir/answer" || fail "accepted: $(cat "$lib_dir/answer")"
expect_eq "$(ip -n "$ns" -j link show dev fido0 | jq '.[].mtu')" 9000 "the MTU"
stop pmd

echo "--- several"
send_long --enable-scatter
wait_for 10 '[ "$(xstat pmd 0 rx_good_bytes)" = $((bytes + 3 * 8042)) ]' ||
	fail "$(($(xstat pmd 0 rx_good_bytes) - bytes)) bytes came, not $((3 * 8042))"
expect_eq "$(xstat pmd 0 rx_too_long)" 0 "too long"
testpmd_cmd pmd "port config mtu 0 6000"
expect_eq "$(ip -n "$ns" -j link show dev fido0 | jq '.[].mtu')" 6000 "the MTU"
stop pmd

# MESSAGE OPTION...
refused()
{
	local message=$1
	shift
	lib_start_eal bad "$FIDO_BUILD/apps/fido-fwd/fido-fwd" "$(on 0)" "--vdev=net_vtap0,netns=$ns" "--vdev=net_vtap1,netns=$ns" -- --offload --duration 1 --quiet "$@"
	finish bad 20 1
	grep -Eq "vtap: .*$message" "$(log_of bad)" || fail "no message '$message': $(cat "$(log_of bad)")"
}

echo "--- mbufs too small, too few"
refused "takes 1025 mbufs of Rx queue 0 \(64 bytes\).* the kernel fills 1022 at most" --data-room 64
refused "takes 257 mbufs of Rx queue 0 \(256 bytes\): its pool has 200" --data-room 256 --mbufs 200

# MTU: the port's and the interface's.
mtu_is()
{
	wait_for 10 '[ "$(telemetry pmd /ethdev/info,0 | jq -r ".[].mtu")" = '"$1"' ]' || fail "$2: the port's MTU is not $1"
	expect_eq "$(ip -n "$ns" -j link show dev fido0 | jq '.[].mtu')" "$1" "$2: the interface's MTU"
}

echo "--- the last one counts"
testpmd pmd "$(on2 1)" "--vdev=net_vtap0,iface=fido0,netns=$ns" "--vdev=net_vtap1,iface=fido1,netns=$ns" -- \
	--total-num-mbufs=2048 --mbuf-size=9400 --max-pkt-len=9022
mtu_is 9000 "configured"
testpmd_cmd pmd "port stop 0"
testpmd_cmd pmd "port config mtu 0 2000"
testpmd_cmd pmd "port start 0"
mtu_is 2000 "set before the start"
testpmd_cmd pmd "port stop 0"
in_ns a ip link set fido0 mtu 3000
testpmd_cmd pmd "port start 0"
mtu_is 3000 "set by others before the start"
stop pmd
