#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Proves: the benchmarks of low load and latency run (latency, idle): one round of a case of each
# kind gives figures. The test does not look at the values.
set -eu
# shellcheck source=test/system/bench.bash
. "$(dirname "$0")/bench.bash"

smoke latency/rtt/mmnet-zero/64 latency/rtt/vhost/64 latency/one/floor/64 idle/silent/mmnet idle/slow/mmnet \
	idle/full/adaptive/64
has_figures latency 1 p50_us_0
has_figures idle 1 _cacheline_ns
# Every load and percentile is present, in order.
jq -e '[.cases[] | select(.bench == "rtt") | .rounds[0]] | length == 2 and all(.[]; . as $r | .loss_free_pps > 0 and
	all(0, 10, 50, 90; . as $load | ["p50", "p90", "p99", "p999", "max"] | map($r["\(.)_us_\($load)"])
		| all(. > 0) and . == sort))' "$out/latency.json" >/dev/null ||
	fail "latencies: $(jq -c '[.cases[].rounds]' "$out/latency.json")"

echo "+ a round that lacks one figure, and one that lacks all"
PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=$FIDO_TOP/test/bench python3 -c '
import results
case = results.case_result({}, [{"a": 1, "b": 5}, {"a": 3}, None])
assert case["metrics"]["a"]["median"] == 2 and case["metrics"]["b"]["samples"] == [5, None, None], case
import suite
rounds = suite.rounds_before({"runs": 2, "cases": [{"id": "old", "rounds": [1, 2]}]}, [{"id": "new"}, {"id": "newer"}])
rounds["new"].append(3)
assert rounds == {"old": [1, 2], "new": [None, None, 3], "newer": [None, None]}, rounds'
