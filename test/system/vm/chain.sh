# shellcheck shell=bash
# SPDX-License-Identifier: BSD-3-Clause
# Helpers for the scenarios with a chain of three virtual machines: what bed/chain.sh leaves to the
# bed, then its own functions. The group is demo, with the machines gen, fwd and sink.
#
#   chain_good VM            fail if the member of this machine has seen a packet that was damaged,
#                            came twice or was reused too early, or has lost a buffer
# shellcheck disable=SC2154

# shellcheck source=test/system/vm/verbs.sh
. "$vm_bed/verbs.sh"
# shellcheck source=test/system/bed/chain.sh
. "$vm_bed/../bed/chain.sh"

chain_report()
{
	vm_sh "$1" 'cat /run/chain 2>/dev/null' 2>/dev/null || true
}

chain_good()
{
	local report
	report=$(chain_report "$1")
	[ -z "$report" ] || matches 'damaged=0 reused=0 twice=0 lost=0 ' <<<"$report" || fail "$1: $report"
}

chain_members vm:demo gen fwd sink
