#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Proves: the benchmarks of packets still run (net, wake, chains): one round of a case of each kind gives figures; a
# second one is added to it; the tables get into a document, and again in the same place. What the figures are is not
# looked at.
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
# What was not measured in the second round has no figure there, what is new none in the first.
expect_eq "$(jq -c '[.cases[] | select(.bench == "rate") | [.peer, (.rounds | map(. != null))]]' "$out/net.json")" \
	'[["mmnet-zero",[true,false]],["memif-copy",[false,true]]]' "rounds"

# Rounds of another length are not.
if "$FIDO_TOP/test/bench/run.sh" --no-setup --quick --append --out "$out" net/rate/null/64; then
	fail "longer rounds were added to short ones"
fi

printf '# Benchmarks\n' >"$out/doc.md"
for _ in 1 2; do
	python3 "$FIDO_TOP/test/bench/report.py" "$out/net.json" "$out/doc.md"
	python3 "$FIDO_TOP/test/bench/report.py" "$out/chains.json" "$out/doc.md"
done
expect_eq "$(grep -c '^<!-- results of \(net\|chains\): ' "$out/doc.md")" 4 "marks in the document"
grep -q '^| mmnet rx=zero | [0-9]' "$out/doc.md" || fail "no figure of mmnet in the document"
