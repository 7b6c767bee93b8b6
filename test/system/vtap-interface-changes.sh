#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Proves: an application sees what others do to the interface, and they see what it does: up and
# down, MTU, address, promiscuous mode, its carrier while the port is started. The port follows an
# interface that is renamed or moved to another network namespace. When it is removed the port goes
# down, the process goes on, and the device can be attached anew.
#
#	netns a: fido0 - vtap port 0 - testpmd - null port 1
#	netns a: fido1 - vtap port 0 - fido-fwd - vtap port 1 - fido2 :netns a
set -eu -o pipefail
# shellcheck source=test/system/vtap.bash
. "$(dirname "$0")/vtap.bash"
netns_add a
netns_add b
testpmd pmd "$(on2 1)" "--vdev=net_vtap0,iface=fido0,netns=$(netns_of a),mac=02:00:00:00:00:05" --vdev=net_null1 -- \
	--total-num-mbufs=2048 --mbuf-size=9216

# NETNS DEV EXPRESSION: print what ip(8) says of an interface.
kernel()
{
	ip -n "$(netns_of "$1")" -j link show dev "$2" | jq -r ".[0] | $3"
}

# NETNS DEV LOWER_UP|NO-CARRIER
carrier()
{
	local ns=$1 dev=$2 want=$3
	wait_for 10 'kernel "$ns" "$dev" ".flags[]" | matches "^$want$"' ||
		fail "$dev: not $want: $(kernel "$ns" "$dev" ".flags")"
}

# COMMAND JQ WANT
told()
{
	# shellcheck disable=SC2034 # wait_for expands them
	local command=$1 key=$2 want=$3
	wait_for 10 '[ "$(telemetry pmd "$command" | jq -r "$key")" = "$want" ]' ||
		fail "$command says $(telemetry pmd "$command"), not $want"
}

status()
{
	told /ethdev/link_status,0 '.[].status' "$1"
}

mtu()
{
	told /ethdev/info,0 '.[].mtu' "$1"
}

status UP
carrier a fido0 LOWER_UP
expect_eq "$(kernel a fido0 .address)" 02:00:00:00:00:05 "the interface's address"
grep -qi 'PROMISC' <<<"$(kernel a fido0 '.flags | join(" ")')" || fail "the interface is not promiscuous, though the port is"

# By others.
in_ns a ip link set fido0 down
status DOWN
in_ns a ip link set fido0 up mtu 4000
status UP
mtu 4000
in_ns a ip link set fido0 address 02:00:00:00:00:09
told /ethdev/info,0 '.[].mac_addr' 02:00:00:00:00:09
wait_for 10 'grep -q "link state change event" "$(log_of pmd)"' || fail "no event of a link state"

# By the application.
testpmd_cmd pmd "port config mtu 0 3000"
expect_eq "$(kernel a fido0 .mtu)" 3000 "the MTU that the application set"
testpmd_cmd pmd "mac_addr set 0 02:00:00:00:00:0a"
expect_eq "$(kernel a fido0 .address)" 02:00:00:00:00:0a "the address that the application set"
testpmd_cmd pmd "set promisc 0 off"
! grep -qi 'PROMISC' <<<"$(kernel a fido0 '.flags | join(" ")')" || fail "the interface is promiscuous, though the port is not"
testpmd_cmd pmd "set link-down port 0"
carrier a fido0 NO-CARRIER
testpmd_cmd pmd "set link-up port 0"
carrier a fido0 LOWER_UP
testpmd_cmd pmd "port stop 0"
carrier a fido0 NO-CARRIER
testpmd_cmd pmd "set link-up port 0"
carrier a fido0 NO-CARRIER
testpmd_cmd pmd "port start 0"
status UP

# Another name, another namespace.
in_ns a ip link set fido0 down
in_ns a ip link set fido0 name renamed
in_ns a ip link set renamed up
status UP
testpmd_cmd pmd "port config mtu 0 2000"
expect_eq "$(kernel a renamed .mtu)" 2000 "the MTU of the renamed interface"
in_ns a ip link set renamed netns "$(netns_of b)"
status DOWN
in_ns b ip link set renamed up mtu 1600
status UP
mtu 1600
testpmd_cmd pmd "port config mtu 0 1700"
expect_eq "$(kernel b renamed .mtu)" 1700 "the MTU of the interface that moved"
# Packets still come.
testpmd_cmd pmd "set fwd io"
testpmd_cmd pmd "start"
before=$(xstat pmd 0 rx_good_packets)
in_ns b ip addr add 10.99.0.1/24 dev renamed
in_ns b ping -q -c 3 -i 0.2 -W 1 10.99.0.2 >/dev/null || true
wait_for 10 '[ "$(xstat pmd 0 rx_good_packets)" -gt "$before" ]' || fail "no packets come from the interface that moved"

# Gone: testpmd answers the event by detaching the device.
in_ns b ip link del renamed
wait_for 10 'grep -aq "interface renamed was removed" "$(log_of pmd)"' || fail "no message: $(tail -n 3 "$(log_of pmd)")"
wait_for 10 'grep -aq "Device is detached" "$(log_of pmd)"' || fail "no event: $(tail -n 3 "$(log_of pmd)")"
testpmd_cmd pmd "port attach net_vtap2,iface=again,netns=$(netns_of a)" | tee "$lib_dir/attach"
grep -q "is attached" "$lib_dir/attach" || fail "the device cannot be attached again"
in_ns a ip link set again up || fail "no interface of the device that was attached"
# Not started yet.
carrier a again NO-CARRIER
stop pmd

# An application that does not listen to the event goes on, and the other port with it.
fido_fwd fwd "$(on 0)" "--vdev=net_vtap0,iface=fido1,netns=$(netns_of a)" "--vdev=net_vtap1,iface=fido2,netns=$(netns_of a)" -- \
	--idle interrupt --quiet --json --stats-period 0
wait_for 10 'in_ns a ip link show fido2 up 2>/dev/null | matches fido2' || fail "no interface: $(cat "$(log_of fwd)")"
in_ns a ip link del fido1
wait_for 10 'grep -aq "interface fido1 was removed" "$(log_of fwd)"' || fail "no message: $(tail -n 3 "$(log_of fwd)")"
in_ns a ip addr add 10.99.0.9/24 dev fido2
in_ns a ping -c 2 -i 0.2 -W 1 10.99.0.10 >/dev/null || true
wait_for 10 '[ "$(xstat fwd 1 rx_good_packets)" -gt 0 ]' || fail "no packets from the other port"
sleep 1
before=$(awk '{ print $14 + $15 }' "/proc/${lib_pid[fwd]}/stat")
sleep 2
after=$(awk '{ print $14 + $15 }' "/proc/${lib_pid[fwd]}/stat")
expect_ge 50 $((after - before)) "hundredths of a second of CPU in 2 s, at most: it spins"
stop fwd
