#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Proves: members of a group are told of each other, and of each one's end, however it ends: by BYE,
# by SIGKILL of a process of the host, by the end of the process that connects a machine's ports. A
# slot is given again only when nobody maps its former memory.
#
#	host.sock <-- a, b        fido-vmd        slot.2.port <-- g (in place of QEMU and its guest)
#
# No hugepages, no virtual machine.
# shellcheck source=test/system/vmd.bash
. "$(dirname "$0")/vmd.bash"

create "$group" --vm gen --host 2 --slots-per-vm 1
serve vmd "$group"

echo "--- meet"
member a host.sock 101
tell a hello -1
hears a "WELCOME slot=0 again=0 members=0 slots=3 size=8388608 clock=0"
member g slot.2.port 301
tell g hello 2
hears g "WELCOME slot=2 again=0 members=1"
hears g "PEER slot=0 generation=101 observes=0 name=a"
hears a "PEER slot=2 generation=301 observes=0 name=g"
expect_eq "$(slot 0 '.holders | join(",")')" 2 "who holds a"
expect_eq "$(slot 2 .state)" live "state of g"

echo "--- speak"
tell a ring 2 301 7 1
hears g "RING slot=0 generation=101 value=7"
tell g changed -1 0 1
hears a "CHANGED slot=2 generation=301 value=1"
tell g ring 0 999 7 1
tell g ring 2 301 7 1
tell g ring 63 1 7 1
tell g let_go 63 1
tell g ring 0 101 4000000000 1
hears a "RING slot=2 generation=301 value=4000000000"
expect_eq "$(slot 2 .dropped)" 4 "frames of g that make no sense"
hears_nothing a "value=7"

echo "--- names, versions, room"
member b host.sock 102
tell b hello_as 1 a
hears b "REFUSE reason=2 who=a"
tell b hello_as 1 a/b
hears b "REFUSE reason=2 who="
tell b hello_as 1 12345678901234567890123456789012
hears b "REFUSE reason=2 who="
tell b hello_as 9 b
hears b "REFUSE reason=1 who="
tell b hello 2
hears b "REFUSE reason=5"
tell b hello 0
hears b "REFUSE reason=5"
tell b hello -1
hears b "WELCOME slot=1 again=0 members=2"
member c host.sock 103
tell c hello -1
hears c "REFUSE reason=4"

echo "--- killed"
kill_hard b
hears a "GONE slot=1 generation=102 value=0"
hears g "GONE slot=1 generation=102 value=0"
expect_eq "$(slot 1 .state)" held "state of the slot of b"
tell c hello -1
hears c "REFUSE reason=4"
tell a let_go 1 102
tell g let_go 1 101
tell g let_go 1 102
is_free 1
tell c hello -1
hears c "WELCOME slot=1 again=0 members=2"
hears a "PEER slot=1 generation=103"

echo "--- leaves"
tell c bye 1
hears a "GONE slot=1 generation=103 value=1"
tell a let_go 1 103
tell g let_go 1 103
is_free 1
tell c as 104
tell c hello -1
hears c "WELCOME slot=1 again=0"
hears a "PEER slot=1 generation=104 observes=0 name=c"

echo "--- another process at the port"
tell g as 302
tell g hello 2
hears a "GONE slot=2 generation=301 value=0"
hears g "REFUSE reason=3 who=a"
tell a let_go 2 301
tell c let_go 2 301
is_free 2
tell g hello 2
hears g "WELCOME slot=2 again=0 members=2"

echo "--- the machine's process ends"
kill_hard g
hears a "GONE slot=2 generation=302 value=0"
expect_eq "$("$vmd" list "$group" --json | jq '.[0].machines[1].deaths')" 1 "deaths of gen"

echo "--- two observers do not meet"
member o host.sock 401 observes
tell c bye 1
tell a let_go 1 104
is_free 1
tell o hello -1
hears o "WELCOME slot=1 again=0 members=1"
hears a "PEER slot=1 generation=401 observes=1 name=o"
tell a let_go 2 302
is_free 2
member p slot.2.port 501 observes
tell p hello -1
hears p "WELCOME slot=2 again=0 members=1"
hears p "PEER slot=0"
hears a "PEER slot=2 generation=501 observes=1 name=p"
hears_nothing o "generation=501"
hears_nothing p "generation=401"
stop_serving vmd
