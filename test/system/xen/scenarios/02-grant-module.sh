# shellcheck shell=dash
# SPDX-License-Identifier: BSD-3-Clause
# The fido-grant module: what it refuses; read-only memory of one process in two domains; whoever is
# killed, no page is reused before the last domain has unmapped it. Then: the other domain learns
# that a process exited.
#
#   domA: grant-selftest give     one memfd, 512 pages, each granted twice
#       |             |
#   domB: read    domC: read      at the same address, PROT_READ
need domA domB domC
# The memory, and the page of references.
each=513

# NAME: print the reference of its page of references.
root_of()
{
	echo "$roots" | awk -v "domid=$(domid "$1")" '$1 == domid { print $2 }'
}

start_giver()
{
	bg domA give "exec grant-selftest give $*"
	await_bg domA give 10 '^ready'
	roots=$(output domA)
}

start_reader()
{
	bg "$1" read "exec grant-selftest read $(domid domA) $(root_of "$1")"
}

on domA grant-selftest refuse
start_giver "$(domid domB)" "$(domid domC)"
on domC "grant-selftest deny $(domid domA) $(root_of domB)"
start_reader domB
start_reader domC
await_bg domB read 30 '^ready'
await_bg domC read 30 '^ready'

# The owner is killed: mapped memory keeps its content, and is pinned.
on domA "grant-selftest wait $((2 * each)) 0; job kill give KILL; grant-selftest wait 0 $((2 * each))"
on domA grant-selftest fill
# A reader is killed: its kernel unmaps.
kill_bg domC read KILL
# A reader unmaps, and lives on.
on domA grant-selftest wait 0 $each
on domB 'touch /run/stop; job await read 10 "^unmapped after"'
on domA grant-selftest wait 0 0
on domB 'rm /run/stop; job wait read 10'
try_wait_bg domA give 5 || expect_eq $? 137 "status of the killed giver"

# The module is unloaded while a domain still reads.
start_giver "$(domid domB)"
start_reader domB
await_bg domB read 30 '^ready'
on domA "job kill give KILL; grant-selftest wait 0 $each; rmmod fido_grant; grant-selftest fill"
on domB 'touch /run/stop; job await read 10 "^unmapped after"; rm /run/stop; job wait read 10'
on domA insmod /modules/fido-grant.ko

# A process in KILLED exits: the other one is notified, whichever of them offered the event channel.
notice()
{
	local killed=$1 other=$2 first second
	on domA "job start notice 'exec end-notice $(domid domB)'; job await notice 10 '^[0-9]'"
	first=$(output domA)
	on domB "job start notice 'exec end-notice $(domid domA) ${first% *}'; job await notice 10 '^[0-9]'"
	second=$(output domB)
	on domA "echo ${second#* } >/run/peer-root; job await notice 10 ^ready"
	on domB "echo ${first#* } >/run/peer-root; job await notice 10 ^ready"
	on "$killed" "rm /run/peer-root; job kill notice KILL; job wait notice 10; [ \$? = 137 ]"
	on "$other" 'rm /run/peer-root; job wait notice 10'
}
notice domA domB
notice domB domA
