# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# For tests that run benchmarks.
# shellcheck source=test/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
[ "$(nproc)" -ge 2 ] || skip "the benchmarks need two CPUs"
need_hugepages 1024
out=$lib_dir/bench

# smoke [OPTION] CASE...: run one round of each
smoke()
{
	echo "+ test/bench/run.sh --smoke $*"
	"$FIDO_TOP/test/bench/run.sh" --no-setup --smoke --out "$out" "$@"
}

# has_figures SET ROUNDS METRIC: its files are complete, and each case has METRIC in at least one
# round
has_figures()
{
	jq -e --argjson rounds "$2" --arg metric "$3" '
		.runs == $rounds and (.machine | .cpu and .commit and .compiler and .dpdk) and (.cases | length > 0) and
		all(.cases[]; (.rounds | length == $rounds) and any(.rounds[]; . != null and .[$metric] > 0))' \
		"$out/$1.json" >/dev/null || fail "$1: no $3 somewhere in $(jq -c .cases "$out/$1.json")"
	expect_ge "$(wc -l <"$out/$1.csv")" 2 "lines in $1.csv"
	ls "$out/$1"-*.svg >/dev/null || fail "$1: no plot"
}
