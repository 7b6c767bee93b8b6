# shellcheck shell=dash
# SPDX-License-Identifier: BSD-3-Clause
# The core's unit and fault tests over another transport, in the guests of both beds and on the host.
# The domains of a test are processes of one machine, or threads of one of them.
#
#   core_tests_start GUEST GROUP FOLDER TEST...
#                            run these programs of a folder of the guest, as job core; the names of
#                            failed tests come last. $core_tests_first: a command before each
#
# $vm_core_tests: those for the vm transport. Not for it are tests of the host transport's folder and
# sockets, of memory that Fido did not allocate, and of no transport at all. $vm_core_tests_short: a
# choice of them.
# shellcheck disable=SC2034

vm_core_tests_short='link-broken-ring-closes-link link-held-buffer-across-close link-events link-peer-killed link-quiesce
	link-several-between-a-pair link-bells-taken-away forward-middle-killed forward-reads-the-owners-memory
	wakeup-shared-doorbell domain-watching-peer-not-waited-for fault-doorbells-lost-and-extra'
vm_core_tests="$vm_core_tests_short forward-echo-held-for-long forward-echo-middle-killed
	forward-needs-the-owner-mapped forward-owner-gone-stays-readable forward-to-a-newcomer-middle-killed
	forward-two-middles-killed hostile-peer-scribbles-everything link-control-region-full link-destroy-then-leave
	link-destroy-waits-for-event link-destroyed-unreaped link-either-end-first link-note link-peer-restarts link-refused
	link-reopen-loses-nothing link-sender-gone-buffer-stays-readable link-unequal-queue-counts
	link-unpolled-comes-back-as-closed domain-hung-peer-does-not-block message-polled-whole
	region-arena-stays-sendable-during-export wakeup-across-link-changes wakeup-however-tickets-come-back"

core_tests_start()
{
	local guest=$1 group=$2 folder=$3
	shift 3
	bg "$guest" core "cd /tmp; failed=; for t in $*; do
		FIDO_TEST_GROUP=$group FIDO_TEST_LIMIT_MS=40000 ${core_tests_first:-} timeout 240 $folder/\$t >out 2>&1 ||
			{ failed=\"\$failed \$t\"; tail -n 15 out; }
		echo \"\$t \$(cut -d' ' -f1 /proc/uptime)\"; done; [ -z \"\$failed\" ] || { echo \"failed:\$failed\"; exit 1; }"
}
