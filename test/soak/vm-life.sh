#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Long run of test/system/vm/scenarios/50-life.sh: 300 random events in the life of three virtual
# machines; each pause lasts 30 s. EVENTS, SEED: others.
set -eu -o pipefail
# shellcheck source=test/lib.sh
. "$(dirname "$0")/../lib.sh"

export FIDO_VM_EVENTS=${EVENTS:-300} FIDO_VM_PAUSE=30 FIDO_VM_SEED=${SEED:-$RANDOM} FIDO_VM_LIMIT=7000
status=0
echo_run "$FIDO_TOP/test/system/vm/bed.sh" run 50-life || status=$?
log=$FIDO_BUILD/test-logs/vm/50-life.log
if [ $status = 0 ]; then
	grep -E 'seed|median' "$log"
else
	tail -n 60 "$log"
fi
exit $status
