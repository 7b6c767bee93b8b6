#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Random members of a chain of four domains are killed under load and restarted: no packet is
# damaged or arrives twice, no buffer is reused early or lost.
#
#   gen --> fwd --> fwd --> sink
set -eu -o pipefail
# shellcheck source=test/lib.sh
. "$(dirname "$0")/../lib.sh"
own_rundir

echo_run "$FIDO_BUILD/test/stress/chain-kills" --kills "${KILLS:-40}" --seed "${SEED:-$RANDOM}"
