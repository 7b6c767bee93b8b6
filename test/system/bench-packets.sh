#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Proves: the benchmarks of packets still run (net, wake, chains): one round of a case of each kind
# gives figures; a second round is added to it; report.py writes tables and plots from them, and
# notices when they do not match. The test does not look at the values.
set -eu
# shellcheck source=test/system/bench.bash
. "$(dirname "$0")/bench.bash"

smoke net/rate/mmnet-zero/64 net/touch/memif-copy/64 net/hop/mmnet-zero/64 net/chain/mmnet-zero/64/1 \
	wake/latency/mmnet-sleep chains/six/mmnet-adaptive/64
has_figures net 1 pps
has_figures wake 1 _cacheline_ns
has_figures chains 1 hop_ns

smoke --append net/rate/memif-copy/64
has_figures net 2 pps
# A case that was not measured in the second round has no figure there, a new one none in the first.
expect_eq "$(jq -c '[.cases[] | select(.bench == "rate") | [.peer, (.rounds | map(. != null))]]' "$out/net.json")" \
	'[["mmnet-zero",[true,false]],["memif-copy",[false,true]]]' "rounds"

# Rounds of another length are refused.
if "$FIDO_TOP/test/bench/run.sh" --no-setup --quick --append --out "$out" net/rate/null/64; then
	fail "longer rounds were added to short ones"
fi

report()
{
	python3 "$FIDO_TOP/test/bench/report.py" --results "$out/results" --images "$out/img" "$@"
}

echo "+ test/bench/report.py net.json chains.json"
report --note "a smoke test" "$out/net.json" "$out/chains.json"
report --check || fail "the tables and plots that were just written do not match their data"
expect_eq "$(cd "$out" && find img results -type f | LC_ALL=C sort | xargs)" \
	"img/net-rate.svg results/chains.json results/chains.md results/net.json results/net.md" "files"
grep -q '^| mmnet rx=zero | [0-9]' "$out/results/net.md" || fail "net.md: no figure of mmnet"
grep -q '^- a smoke test$' "$out/results/net.md" || fail "net.md: no note"
! grep -q '"rounds"' "$out/results/net.json" || fail "net.json: the samples of each round are in it"

echo "+ a table that was edited by hand, a plot that was not redrawn"
echo "edited" >>"$out/results/net.md"
! report --check || fail "an edited table went unnoticed"
report
report --check || fail "the table was not written again"
jq '(.cases[].metrics.pps | select(.) | .median) += 1' "$out/results/net.json" >"$out/changed"
mv "$out/changed" "$out/results/net.json"
! report --check 2>"$out/errors" || fail "a plot that does not match its data went unnoticed"
grep -q 'net-rate.svg' "$out/errors" || fail "the plot was not named: $(cat "$out/errors")"
