#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Proves: news of a process's end that fido-vmd reads together with another process's HELLO for the
# same slot is not taken for the end of that other one.
#
#	host.sock <-- a (says BYE, ends), b (takes its slot)        fido-vmd (stopped meanwhile)
#
# No hugepages, no virtual machine.
# shellcheck source=test/system/vmd.bash
. "$(dirname "$0")/vmd.bash"

create "$group" --vm gen --host 1 --slots-per-vm 1
serve vmd "$group"
member a host.sock 101
tell a hello -1
hears a "WELCOME slot=0"
member b host.sock 102
tell b hello -1
hears b "REFUSE reason=4"

echo "--- BYE of a, HELLO of b and the end of a wait for fido-vmd, in this order"
echo_run kill -STOP "${lib_pid[vmd]}"
tell a bye 1
sleep 0.2
tell b hello -1
sleep 0.2
kill_hard a
echo_run kill -CONT "${lib_pid[vmd]}"
hears b "WELCOME slot=0"
sleep 0.2
expect_eq "$(slot 0 '.state + " " + .member')" "live b" "slot 0, whose process lives"
echo_run kill -0 "${lib_pid[b]}"

echo "--- its own end is seen nevertheless"
kill_hard b
is_free 0
stop_serving vmd
