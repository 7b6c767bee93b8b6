#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Ten million malformed items from a peer that scribbles over all its memory, under ASan and UBSan;
# a third domain's traffic is checked throughout. FIDO_HOSTILE_ITEMS: another number.
set -eu -o pipefail

# shellcheck source=test/lib.sh
. "${FIDO_TOP:-$(cd "$(dirname "$0")/../.." && pwd)}/test/lib.sh"

bin=$FIDO_BUILD-asan/test/unit/unit-hostile-peer-scribbles-everything
[ -x "$bin" ] || fail "there is no $bin: test/run.sh --only soak builds it"
export FIDO_HOSTILE_ITEMS=${FIDO_HOSTILE_ITEMS:-10000000}
export ASAN_OPTIONS=detect_stack_use_after_return=1 UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
echo_run "$bin"
