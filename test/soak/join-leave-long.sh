#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# A hundred thousand joins and leaves in a lasting group of four slots, beside a hung domain.
# ROUNDS: another number.
set -eu -o pipefail
# shellcheck source=test/lib.sh
. "$(dirname "$0")/../lib.sh"

export FIDO_TEST_ROUNDS=${ROUNDS:-100000}
echo_run "$FIDO_BUILD/test/unit/unit-domain-slots-are-free-beside-a-hung-domain"
