#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Ten million sleeps and wake-ups, with random pauses, by descriptors and by completions. ROUNDS:
# another number.
set -eu -o pipefail
# shellcheck source=test/lib.sh
. "$(dirname "$0")/../lib.sh"

export FIDO_TEST_ROUNDS=${ROUNDS:-5000000}
for name in receiver sender; do
	echo_run "$FIDO_BUILD/test/unit/unit-wakeup-$name-never-lost"
done
