#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# As chain-kills.sh, in a chain where nobody polls: each member sleeps until its doorbell rings, and a watchdog beside it
# finds that nothing waits for it meanwhile for more than a second. All that was lent comes back by wake-ups alone.
#
#   gen --> fwd --> fwd --> sink
set -eu -o pipefail
# shellcheck source=test/lib.sh
. "$(dirname "$0")/../lib.sh"
own_rundir

echo_run "$FIDO_BUILD/test/stress/chain-kills" --sleeps --kills "${KILLS:-80}" --seed "${SEED:-$RANDOM}"
