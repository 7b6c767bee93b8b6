# shellcheck shell=bash disable=SC2034,SC2154
# SPDX-License-Identifier: BSD-3-Clause
# The core's unit and fault tests, over the vm transport: the domains of a test are processes of one
# machine, or threads of one of them. Afterwards no member and no hold is left at fido-vmd.
# FIDO_VM_LONG: all of them
# shellcheck source=test/system/vm/verbs.sh
. "$vm_bed/verbs.sh"
# shellcheck source=test/system/bed/core-tests.sh
. "$vm_bed/../bed/core-tests.sh"
# The layout is the tests' own (test/unit/test.h).
vm_group t gen -- --slots-per-vm 15 --host 1 --size 64M --base 0x2000000000 --slot-shift 32
vm_start gen
tests=$vm_core_tests_short
[ -z "${FIDO_VM_LONG:-}" ] || tests=$vm_core_tests
core_tests_first=disk.sh
# shellcheck disable=SC2086 # a test each
core_tests_start gen vm:t /disk/unit $tests
wait_bg gen core 1000
output gen
expect_eq "$(vm_list '.slots[] | select(.state != "free") | .slot')" "" "slots that are in use at the end"
