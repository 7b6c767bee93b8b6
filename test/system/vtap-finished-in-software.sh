#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Proves: where the next domain takes no unfinished packets, they are finished before they reach it:
# by the mmnet port if the kernel left them undone, or by the kernel if the port was set up so. Both
# transfers arrive whole, and what the next domain sees has right checksums and fits the MTU.
#
#	netns a: kernel - vtap - left ==> [testpmd, io] ==> right - vtap - kernel :netns b
#	         10.99.0.1            <==               <==                10.99.0.2
set -eu -o pipefail
# shellcheck source=test/system/vtap.bash
. "$(dirname "$0")/vtap.bash"
work=$(mktemp -d)
at_exit 'rm -rf "$work"'
head -c 4M /dev/urandom >"$work/sent"
netns_add a
netns_add b
testpmd pmd "$(on2 1)" "$(dev 0 pmd left hugepages=off,rx=zero)" "$(dev 1 pmd right hugepages=off,rx=zero)" -- \
	--total-num-mbufs=4096 --rxd=512 --txd=512
testpmd_cmd pmd "set promisc all on" >/dev/null
testpmd_cmd pmd "set fwd io" >/dev/null
testpmd_cmd pmd start >/dev/null
fwd_to_vtap left a 10.99.0.1 "$(dev 0 left pmd hugepages=off,rx=zero)" "${vtap_options[@]}"
fwd_to_vtap right b 10.99.0.2 "$(dev 0 right pmd hugepages=off,rx=zero)" "${vtap_options[@]}"
vtap_answers
tcp_copy a b 10.99.0.2 "$work/sent"
expect_ge "$(vtap_stat left rx_large_packets)" 10 "large packets that the kernel left to be segmented"
expect_ge "$(xstat pmd 0 rx_good_packets)" $(((4 << 20) / 1460)) "packets that testpmd received"
expect_eq "$(vtap_stat right tx_unfinished_packets)" 0 "unfinished packets behind testpmd"
stop left
stop right

# Without --offload the kernel finishes all itself.
for side in left:a:10.99.0.1 right:b:10.99.0.2; do
	IFS=: read -r name ns address <<<"$side"
	fido_fwd "$name" --lcores 0@0 "--vdev=net_vtap0,iface=fido0,netns=$(netns_of "$ns")" \
		"$(dev 0 "$name" pmd hugepages=off,rx=zero)" -- --pairs --rxd 256 "${vtap_options[@]}"
	wait_for 20 "in_ns $ns ip link set fido0 up 2>/dev/null" || fail "$name: no interface: $(cat "$(log_of "$name")")"
	in_ns "$ns" ip addr add "$address/24" dev fido0
done
vtap_answers
tcp_copy a b 10.99.0.2 "$work/sent"
expect_eq "$(vtap_stat left rx_unfinished_packets)" 0 "packets that the kernel left undone"
for name in left right; do
	stop $name
	expect_eq "$(result $name '.lost')" 0 "$name: lost"
done
stop pmd
