#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# A hundred thousand domains join a group and leave it, one after the other, beside a living domain
# and a hung one. ROUNDS: another number.
set -eu -o pipefail
# shellcheck source=test/lib.sh
. "$(dirname "$0")/../lib.sh"

export FIDO_TEST_ROUNDS=${ROUNDS:-100000} FIDO_TEST_LIMIT_MS=${FIDO_TEST_LIMIT_MS:-30000}
echo_run "$FIDO_BUILD/test/unit/unit-domain-slots-are-free-beside-a-hung-domain"
