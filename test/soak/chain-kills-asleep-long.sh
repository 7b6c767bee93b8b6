#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Long run of test/stress/chain-kills-asleep.sh: 2000 kills in a sleeping chain of four and as many
# in one of six; then 500 kills of fido-fwd --idle interrupt (test/system/mmnet-sleepers-killed.sh).
set -eu -o pipefail
# shellcheck source=test/lib.sh
. "$(dirname "$0")/../lib.sh"
own_rundir

for members in 4 6; do
	echo_run "$FIDO_BUILD/test/stress/chain-kills" --sleeps --kills "${KILLS:-2000}" --members $members --seed "${SEED:-$RANDOM}"
done
KILLS=${KILLS:-500} SEED=${SEED:-$RANDOM} "$(dirname "$0")/../system/mmnet-sleepers-killed.sh"
