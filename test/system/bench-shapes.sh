#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Proves: the benchmarks of both directions, queues, bursts, rings and instructions run (shapes,
# instructions): one round of a case of each kind gives figures. The test does not look at the
# values, except that callgrind must count a plausible number of instructions.
set -eu
# shellcheck source=test/system/bench.bash
. "$(dirname "$0")/bench.bash"

smoke shapes/both/mmnet-zero/64 shapes/queues/mmnet-zero/2 shapes/burst/memif-copy/1 shapes/ring/vhost-rx/128 \
	instructions/steps/mmnet-zero/64
has_figures shapes 1 pps
has_figures instructions 1 total
jq -e '.cases[0].rounds[0] | .steps_send > 20 and .steps_receive > 20 and .steps_free > 5 and .total < 2000' \
	"$out/instructions.json" >/dev/null || fail "instructions: $(jq -c '.cases[0].rounds' "$out/instructions.json")"
