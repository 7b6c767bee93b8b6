#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Proves: a process of the host whose HELLO is lost, because fido-vmd ends before it answers, joins by
# the next fido-vmd; so does one that comes while fido-vmd is being started again.
#
#	host.sock <-- fido-ctl list        fido-vmd (stopped, killed, started again)
#
# No hugepages, no virtual machine.
# shellcheck source=test/system/vmd.bash
. "$(dirname "$0")/vmd.bash"

create "$group" --vm gen --host 1 --slots-per-vm 1
serve vmd "$group"
# It is the only one there.
joined()
{
	finish ctl 10 1
	matches "nobody is in it" <"$(log_of ctl)" || fail "fido-ctl did not join: $(cat "$(log_of ctl)")"
}

echo "--- no answer"
echo_run kill -STOP "${lib_pid[vmd]}"
start ctl "$FIDO_BUILD/apps/fido-ctl/fido-ctl" list --group "vm:$group"
# It waits for an answer: its connection is in the backlog.
# shellcheck disable=SC2016 # for eval
wait_for 4 '[ "$(grep -cF "$folder/host.sock" /proc/net/unix)" -ge 2 ]' || fail "fido-ctl does not connect"
kill_hard vmd
serve vmd "$group"
joined

echo "--- nobody there"
kill_hard vmd
start ctl "$FIDO_BUILD/apps/fido-ctl/fido-ctl" list --group "vm:$group"
sleep 0.3
serve vmd "$group"
joined
is_free 0
stop_serving vmd
