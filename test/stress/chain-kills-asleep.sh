#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Like chain-kills.sh, in a chain without polling: each member sleeps until its doorbell rings, and
# a watchdog beside it checks that nothing waits for it meanwhile for more than a second. All
# buffers come back by wake-ups alone.
#
#   gen --> fwd --> fwd --> sink
set -eu -o pipefail
# shellcheck source=test/lib.sh
. "$(dirname "$0")/../lib.sh"
own_rundir

echo_run "$FIDO_BUILD/test/stress/chain-kills" --sleeps --kills "${KILLS:-80}" --seed "${SEED:-$RANDOM}"
