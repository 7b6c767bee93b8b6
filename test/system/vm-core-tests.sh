#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Proves: the core's unit and fault tests pass over the vm transport, with processes of the host as
# members. bed/core-tests.sh lists them. Afterwards no member and no hold is left at fido-vmd.
set -eu -o pipefail
# shellcheck source=test/lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=test/system/bed/core-tests.sh
. "$(dirname "$0")/bed/core-tests.sh"
own_rundir
vmd=$FIDO_BUILD/apps/fido-vmd/fido-vmd
mkdir "$lib_dir/memory"
# The layout is the tests' own (test/unit/test.h).
echo_run "$vmd" create t --vm guest --slots-per-vm 1 --host 15 --size 64M --base 0x2000000000 --slot-shift 32 --memory "$lib_dir/memory"
before_exit "$vmd destroy t --force"
start vmd "$vmd" serve
wait_for 10 'matches serving <"$(log_of vmd)"' || fail "fido-vmd does not serve"
for name in $vm_core_tests; do
	program=$FIDO_BUILD/test/unit/unit-$name
	[ -x "$program" ] || program=$FIDO_BUILD/test/fault/$name
	FIDO_TEST_RUNDIR=$FIDO_RUNDIR FIDO_TEST_GROUP=vm:t FIDO_TEST_LIMIT_MS=40000 timeout 120 \
		"$program" >"$lib_dir/out" 2>&1 || fail "$name: $(tail -n 15 "$lib_dir/out")"
	echo "passed: $name"
done
left=$("$vmd" list --json | jq -c '[.. | objects | select(.state? == "live" or .state? == "held")]')
expect_eq "$left" '[]' "slots that are in use at the end"
stop vmd
