#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Proves: the benchmarks of joined kernels run: one round of a case of each kind, and of each way to
# join them, gives figures. The test does not look at the values.
set -eu
# shellcheck source=test/system/bench.bash
. "$(dirname "$0")/bench.bash"
[ -c /dev/net/tun ] || skip "no /dev/net/tun: modprobe tun"

smoke kernel/tcp/vtap/65536 kernel/tcp/vtap-one/65536 kernel/tcp/tap/65536 kernel/tcp/memif-tap/65536 kernel/tcp/loopback/65536 \
	kernel/tcp4/vtap/65536 kernel/rr/vtap/1 kernel/rr/veth/1 kernel/udp/vtap/64 kernel/udp/bridge/64 \
	kernel/dread32/mount kernel/dread32/loop kernel/dwrite8/nbdfuse
has_figures kernel 1 pps
jq -e '[.cases[] | select(.bench == "rr") | .rounds[0]] | all(.[]; .p50_us > 0 and .p99_us >= .p50_us)' "$out/kernel.json" >/dev/null ||
	fail "round trips: $(jq -c '[.cases[].rounds]' "$out/kernel.json")"
[ -z "$(ip netns list | grep "^$fido_group" || true)" ] || fail "namespaces are left behind"
