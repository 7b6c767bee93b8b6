#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Proves: the benchmarks of little load and of latency still run (latency, idle): one round of a case of each kind gives
# figures. What the figures are is not looked at.
set -eu
# shellcheck source=test/system/bench.bash
. "$(dirname "$0")/bench.bash"

smoke latency/rtt/mmnet-zero/64 latency/rtt/vhost/64 latency/rtt/floor/64 idle/silent/mmnet idle/slow/mmnet \
	idle/full/adaptive/64
has_figures latency 1 p50_us_0
has_figures idle 1 _cacheline_ns
# Every load and percentile is there, in order.
jq -e '.cases[0].rounds[0] | .loss_free_pps > 0 and
	([0, 10, 50, 90][] as $load | [.["p50_us_\($load)", "p90_us_\($load)", "p99_us_\($load)", "p999_us_\($load)", "max_us_\($load)"]]
	| length == 5 and . == sort)' "$out/latency.json" >/dev/null || fail "latencies: $(jq -c '.cases[0].rounds' "$out/latency.json")"
