# shellcheck shell=dash
# SPDX-License-Identifier: BSD-3-Clause
# The core's unit and fault tests, over the xen transport: the domains of a test are processes of
# one guest, or threads of one of them. Tests of the host transport's folder and sockets, or of no
# transport at all, are left out.
# limit: 1300
# shellcheck source=test/system/bed/core-tests.sh
. /bed/core-tests.sh
need domA domB domC

share_a='link-broken-ring-closes-link link-held-buffer-across-close link-events fault-doorbells-lost-and-extra'
share_b='link-peer-killed link-quiesce link-several-between-a-pair region-read-only-in-peers region-withdraw-part-of-export'
share_c='link-bells-taken-away region-reach wakeup-shared-doorbell domain-watching-peer-not-waited-for'
# Longer tests (suite soak).
if grep -q bed.long=1 /proc/cmdline; then
	share_a="$share_a fault-errors-at-each-call forward-reads-the-owners-memory forward-owner-gone-stays-readable
		forward-middle-killed forward-needs-the-owner-mapped link-control-region-full link-either-end-first
		link-peer-restarts link-reopen-loses-nothing"
	share_b="$share_b link-refused link-sender-gone-buffer-stays-readable link-unpolled-comes-back-as-closed
		link-destroy-waits-for-event link-unequal-queue-counts message-polled-whole region-withdraw-waits-for-peers
		region-destroy-under-traffic domain-hung-peer-does-not-block wakeup-across-link-changes"
fi

# Run a guest's share, in its own group.
run_share() # NAME GROUP TESTS
{
	# The layout is the tests' own (test/unit/test.h).
	on dom0 fido-group create "$2" --base 0x2000000000 --slot-shift 32 --slots 16 --slots-per-domain 16 "$(domid "$1")"
	# shellcheck disable=SC2086 # a test each
	core_tests_start "$1" "xen:$2" /unit $3
}

# The fault tests know their group's name.
run_share domA t "$share_a"
run_share domB u "$share_b"
run_share domC v "$share_c"
for name in domA domB domC; do
	wait_bg $name core 300
done
for group in t u v; do
	on dom0 fido-group destroy $group
done
