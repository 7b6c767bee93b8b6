#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Proves: an interface of several queues spreads its flows over the port's Rx queues, packets sent on
# any Tx queue arrive, and queues that the application does not set up get no packets. A persistent
# interface outlives its process with its address, and the next one takes it over.
#
#	netns a: kernel - vtap (2 queues) - left ==2 rings==> right - vtap (2 queues) - kernel :netns b
#	         10.99.0.1                       <==2 rings==                           10.99.0.2
set -eu -o pipefail
# shellcheck source=test/system/vtap.bash
. "$(dirname "$0")/vtap.bash"
netns_add a
netns_add b
vtap_args=queues=2,persist=1
two=(--rxq 2 --txq 2 "${vtap_options[@]}")
start_both()
{
	fwd_to_vtap left a 10.99.0.1 "$(dev 0 left right hugepages=off,rx=zero)" "$@"
	fwd_to_vtap right b 10.99.0.2 "$(dev 0 right left hugepages=off,rx=zero)" "$@"
	vtap_answers
}

# Many connections: each is one flow.
flows()
{
	start server ip netns exec "$(netns_of b)" python3 -IS -c '
import socket
listener = socket.create_server(("10.99.0.2", 5001), backlog=200)
print("ready", flush=True)
for i in range(100):
	s = listener.accept()[0]
	data = s.recv(1000)
	s.sendall(data)
	s.close()'
	wait_for 20 'grep -q ready "$(log_of server)"' || fail "the server does not start"
	echo_run ip netns exec "$(netns_of a)" timeout 60 python3 -IS -c '
import socket
for i in range(100):
	with socket.create_connection(("10.99.0.2", 5001)) as s:
		s.sendall(b"%d" % i)
		assert s.recv(1000) == b"%d" % i'
	finish server 10
}

start_both "${two[@]}"
flows
for name in left right; do
	for queue in 0 1; do
		expect_ge "$(xstat $name 0 rx_q${queue}_packets)" 20 "$name: packets of Rx queue $queue"
	done
done
for name in left right; do
	stop $name
	expect_eq "$(result $name '.lost,.copies' | tr '\n' ' ')" "0 0 " "$name: lost, copies"
done

# The interfaces are still there: the addresses are, too. One queue of two is used now, and the MTU
# that the interface has got meanwhile stays.
in_ns a ip link set fido0 mtu 1300
expect_eq "$(ip -n "$(netns_of a)" -j addr show dev fido0 | jq -r '.[].addr_info[] | select(.family == "inet") | .local')" 10.99.0.1 \
	"the address of the interface that no process has"
in_ns a ip addr flush dev fido0
in_ns b ip addr flush dev fido0
start_both "${vtap_options[@]}"
flows
for name in left right; do
	expect_ge "$(xstat $name 0 rx_q0_packets)" 100 "$name: packets of the only Rx queue"
	[ $name != left ] || expect_eq "$(telemetry left /ethdev/info,0 | jq -r '.[].mtu')" 1300 "left: the MTU"
	stop $name
	expect_eq "$(result $name '.lost,.copies' | tr '\n' ' ')" "0 0 " "$name: lost, copies"
done

# Left as it is, then not persistent any more.
once()
{
	vtap_args=$1
	in_ns a ip addr flush dev fido0
	fwd_to_vtap left a 10.99.0.1 "$(dev 0 left right hugepages=off,rx=zero)" "${vtap_options[@]}"
	stop left
}
once queues=2
in_ns a ip link show fido0 >/dev/null || fail "a persistent interface is gone after a process that was not told to remove it"
once queues=2,persist=0
! in_ns a ip link show fido0 2>/dev/null || fail "the interface outlives its process, though it is not persistent"
