#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Proves: fido-vmd can be killed and started again at any time. Members that live stay members of the
# same generation, at the same slots; those that ended meanwhile are reported; memory that is mapped
# stays taken.
#
#	host.sock <-- a, b        fido-vmd (killed, again and again)        slot.2.port <-- g
#
# No hugepages, no virtual machine.
# shellcheck source=test/system/vmd.bash
. "$(dirname "$0")/vmd.bash"

create "$group" --vm gen --host 2 --slots-per-vm 1
serve vmd
member a host.sock 101
member b host.sock 102
member g slot.2.port 301
tell a hello -1
hears a "WELCOME slot=0"
tell b hello -1
hears b "WELCOME slot=1"
tell g hello 2
hears g "WELCOME slot=2"

echo "--- killed; b ends meanwhile"
kill_hard vmd
hears a CLOSED
hears g CLOSED
kill_hard b
serve vmd
expect_eq "$(slot 0 .state),$(slot 1 .state),$(slot 2 .state)" live,held,live "states"
tell g connect
hears g "WHO generation=301"
tell g hello 2
hears g "WELCOME slot=2 again=1 members=1"
hears g "PEER slot=0 generation=101"
hears g "GONE slot=1 generation=102 value=0"
tell g let_go 1 102
tell a connect
tell a hello 0
hears a "WELCOME slot=0 again=1 members=1"
hears a "PEER slot=2 generation=301"
hears a "GONE slot=1 generation=102 value=0"
expect_eq "$(slot 1 '.holders | join(",")')" 0 "who holds b"

echo "--- another process cannot take a slot whose member is not connected"
stop vmd
hears a CLOSED
serve vmd
member c host.sock 101
tell c hello 0
hears c "REFUSE reason=5"
tell c as 103
tell c hello -1
hears c "REFUSE reason=4"
tell a connect
tell a hello -1
hears a "WELCOME slot=0 again=1"
tell a let_go 1 102
is_free 1
tell c hello -1
hears c "WELCOME slot=1 again=0 members=2"

echo "--- the machine ends while nobody serves"
stop vmd
kill_hard g
serve vmd
expect_eq "$(slot 2 .state)" held "state of g"
tell a connect
tell a hello 0
hears a "GONE slot=2 generation=301 value=0"
tell a let_go 2 301
tell c connect
tell c hello 1
hears c "GONE slot=2 generation=301 value=0"
tell c bye 1
tell a let_go 1 103
is_free 2
is_free 1

echo "--- two at once"
vmd_says 1 "another fido-vmd serves it: stop that one first" serve "$group"

echo "--- killed at any point"
stop vmd
for i in {1..10}; do
	start vmd "$vmd" serve
	wait_for 10 "grep -q serving '$(log_of vmd)'" || fail "does not serve"
	tell a connect
	tell a hello 0
	tell a let_go 2 $((599 + i))
	member "n$i" slot.2.port $((600 + i))
	tell "n$i" hello 2
	sleep "0.0$((i % 10))"
	kill_hard vmd
	kill_hard "n$i"
done
serve vmd
tell a connect
tell a hello 0
for i in {1..10}; do
	tell a let_go 2 $((600 + i))
done
is_free 2
expect_ge "$(slot 2 .joins)" 3 "members that joined before fido-vmd was killed"
member n slot.2.port 700
tell n hello 2
hears n "WELCOME slot=2 again=0 members=1"
hears a "PEER slot=2 generation=700"
stop_serving vmd
