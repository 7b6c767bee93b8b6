#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Long run of test/stress/chain-kills.sh: 500 kills in a chain of four, and 200 in one of six.
set -eu -o pipefail
# shellcheck source=test/lib.sh
. "$(dirname "$0")/../lib.sh"
own_rundir

echo_run "$FIDO_BUILD/test/stress/chain-kills" --kills "${KILLS:-500}" --seed "${SEED:-$RANDOM}"
echo_run "$FIDO_BUILD/test/stress/chain-kills" --kills "${KILLS:-200}" --members 6 --seed "${SEED:-$RANDOM}"
