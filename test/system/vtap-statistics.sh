#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Proves: the counters of a vtap port and those of its interface agree, packet for packet and byte for
# byte.
#
#	netns a: kernel - vtap - fido-fwd - vtap - kernel :netns b
#	         10.99.0.1                         10.99.0.2
set -eu -o pipefail
# shellcheck source=test/system/vtap.bash
. "$(dirname "$0")/vtap.bash"
netns_add a
netns_add b
fido_fwd fwd "$(on 0)" "--vdev=net_vtap0,iface=fido0,netns=$(netns_of a)" "--vdev=net_vtap1,iface=fido0,netns=$(netns_of b)" -- \
	--offload "${vtap_options[@]}"
for side in a:1 b:2; do
	wait_for 20 "in_ns ${side%:*} ip link show fido0 up 2>/dev/null | matches fido0" || fail "no interface: $(cat "$(log_of fwd)")"
	in_ns ${side%:*} sysctl -q -w net.ipv6.conf.fido0.disable_ipv6=1
	in_ns ${side%:*} ip addr add 10.99.0.${side#*:}/24 dev fido0
done
vtap_answers

# NETNS rx|tx packets|bytes: print the interface's counter.
kernel()
{
	ip -n "$(netns_of "$1")" -s -j link show dev fido0 | jq -r ".[0].stats64.$2.$3"
}

# Print each counter that differs. The kernel may ask for an address meanwhile.
differ()
{
	local port=0 ns what
	for ns in a b; do
		for what in packets bytes; do
			echo "$ns $what: $(xstat fwd $port rx_good_$what) $(kernel $ns tx $what), $(xstat fwd $port tx_good_$what) $(kernel $ns rx $what)"
		done
		port=$((port + 1))
	done | awk '$3 + 0 != $4 + 0 || $5 != $6'
}

in_ns a ping -q -c 50 -i 0.01 -s 3000 10.99.0.2 >/dev/null
head -c 2M /dev/urandom >"$lib_dir/sent"
tcp_copy a b 10.99.0.2 "$lib_dir/sent"
wait_for 20 '[ -z "$(differ)" ]' || fail "the port's counters differ from its interface's: $(differ)"
expect_ge "$(xstat fwd 0 rx_large_packets)" 10 "large packets"
stop fwd
