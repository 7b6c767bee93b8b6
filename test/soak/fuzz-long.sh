#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Ten million inputs to the fuzz targets. The build folder keeps what they find (fuzz-corpus), and
# the next run starts from there. FIDO_FUZZ_PERCENT: percentage of that number.
set -eu -o pipefail

# shellcheck source=test/lib.sh
. "${FIDO_TOP:-$(cd "$(dirname "$0")/../.." && pwd)}/test/lib.sh"

percent=${FIDO_FUZZ_PERCENT:-100}
declare -A runs=([blk]=2000000 [control]=500000 [message]=1000000 [ring]=8500000 [vtap]=20000000 [vm]=1500000)

for target in blk control message ring vtap vm; do
	bin=$FIDO_BUILD-fuzz/test/fuzz/fuzz-$target
	[ -x "$bin" ] || fail "there is no $bin: test/run.sh --only soak builds it"
	grown=$FIDO_BUILD-fuzz/fuzz-corpus/$target
	mkdir -p "$grown"
	start=$SECONDS
	# The memory limits are the sanitizer's, which keeps freed memory for a while.
	echo_run "$bin" -runs=$((runs[$target] * percent / 100)) -timeout=60 -rss_limit_mb=4096 -max_len=2048 -len_control=0 \
		-print_final_stats=1 -error_exitcode=1 -artifact_prefix="$FIDO_BUILD/test-logs/fuzz-$target-" \
		"$grown" "$FIDO_TOP/test/fuzz/corpus/$target" 2>&1 | grep --line-buffered -v 'NEW \|REDUCE\|RELOAD' ||
		fail "fuzz-$target found something: see the input it wrote"
	echo "fuzz-$target: $((runs[$target] * percent / 100)) inputs in $((SECONDS - start)) s"
done
