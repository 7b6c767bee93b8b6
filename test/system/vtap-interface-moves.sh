#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Proves: a port follows its interface however quickly it is moved through network namespaces, also
# where it gets another number, and never mistakes another interface for it that took its name. A
# removal right after a move is noticed.
#
#	netns a, b, c: fido0 - vtap port 0 - testpmd - vtap port 1
set -eu -o pipefail
# shellcheck source=test/system/vtap.bash
. "$(dirname "$0")/vtap.bash"
for name in a b c; do
	netns_add $name
	# The numbers of interfaces differ.
	in_ns $name ip link add other$name type bridge
done
testpmd pmd "$(on2 1)" "--vdev=net_vtap0,iface=fido0,netns=$(netns_of a)" "--vdev=net_vtap1,iface=fido1,netns=$(netns_of a)" -- \
	--total-num-mbufs=2048

# ACTION...: "move FROM TO DEV" or "delete FROM DEV", one right after the other.
at_once()
{
	python3 -IS -c '
import ctypes, os, socket, struct, sys
libc = ctypes.CDLL(None, use_errno=True)
own = os.open("/proc/self/ns/net", os.O_RDONLY)
files, sockets = {}, {}

def visit(ns):
	if ns in sockets:
		return
	files[ns] = os.open("/run/netns/" + ns, os.O_RDONLY)
	assert libc.setns(files[ns], 0) == 0
	sockets[ns] = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)
	assert libc.setns(own, 0) == 0

def attribute(kind, value):
	return struct.pack("HH", 4 + len(value), kind) + value + bytes(-len(value) % 4)

def request(ns, kind, attributes):
	body = bytes(16) + attributes
	sockets[ns].send(struct.pack("IHHII", 16 + len(body), kind, 5, 1, 0) + body)
	error = struct.unpack("i", sockets[ns].recv(65536)[16:20])[0]
	assert error == 0, os.strerror(-error)

actions = [action.split() for action in sys.argv[1:]]
for action in actions:
	for ns in action[1:-1]:
		visit(ns)
for verb, ns, *to, dev in actions:
	name = attribute(3, dev.encode() + b"\0")
	if verb == "move":
		request(ns, 16, name + attribute(28, struct.pack("i", files[to[0]])))
	else:
		request(ns, 17, name)' "$@"
}

told()
{
	wait_for 5 '[ "$(telemetry pmd /ethdev/info,0 | jq -r ".[].mtu")" = '"$1"' ]' || fail "the MTU is not $1: $2"
}

a=$(netns_of a) b=$(netns_of b) c=$(netns_of c)
for ((i = 0; i < 10; i++)); do
	at_once "move $a $b fido0" "move $b $c fido0" "move $c $a fido0" "move $a $c fido0"
	in_ns c ip link set fido0 mtu $((2000 + i))
	told $((2000 + i)) "after moves"
	at_once "move $c $b fido0" "move $b $a fido0"
	in_ns a ip link set fido0 mtu $((1400 + i))
	told $((1400 + i)) "after moves back"
done

# Another interface gets the name before the interrupt thread can look.
kill -STOP "${lib_pid[pmd]}"
in_ns a ip link set fido0 name mine
in_ns a ip link add fido0 type bridge
in_ns a ip link set mine mtu 1300
kill -CONT "${lib_pid[pmd]}"
told 1300 "after a change of names"
testpmd_cmd pmd "port config mtu 0 1200"
expect_eq "$(ip -n "$a" -j link show dev mine | jq '.[].mtu')" 1200 "the MTU of the port's interface"
expect_eq "$(ip -n "$a" -j link show dev fido0 | jq '.[].mtu')" 1500 "the MTU of the other"

at_once "move $a $b mine" "delete $b mine"
wait_for 10 'grep -aq "interface mine was removed" "$(log_of pmd)"' || fail "the removal is not noticed"
stop pmd
