#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Proves: apps/xen/fido-group gives each domain of a group its own slots and folder, with the right
# permissions; never slots that another domain has or that a living domain still maps; forgets
# domains that have ended; and removes all that it made. Without Xen: on a folder instead of
# xenstore, in each shell that a dom0 may have.
#
#	fido-group --- xenstore-read, -write, -chmod ... (helpers/fake-xenstore.sh) --- a folder
set -eu
# shellcheck source=test/lib.sh
. "$(dirname "$0")/../lib.sh"

script=$FIDO_TOP/apps/xen/fido-group
bin=$lib_dir/bin
export FAKE_XENSTORE FIDO_GROUP_LOCK=$lib_dir/lock FIDO_GROUP_WAIT=1

mkdir "$bin"
for tool in xl xenstore-exists xenstore-read xenstore-ls xenstore-list xenstore-write xenstore-rm xenstore-chmod; do
	ln -s "$FIDO_TOP/test/system/helpers/fake-xenstore.sh" "$bin/$tool"
done
PATH=$bin:$PATH

# group ARG...: run the script; its output is in $out, also when it fails
group()
{
	echo "+ fido-group $*"
	# shellcheck disable=SC2086 # a command and its argument
	out=$($shell "$script" "$@" 2>&1) || return 1
}

# refused PATTERN ARG...: it fails with a message that matches
refused()
{
	local pattern=$1
	shift
	! group "$@" || fail "fido-group $* should have failed"
	grep -q -- "$pattern" <<<"$out" || fail "fido-group $*: no '$pattern' in: $out"
}

# domain DOMID NAME: start one; ended DOMID: end it
domain()
{
	xenstore-write "/local/domain/$1/name" "$2"
}

ended()
{
	xenstore-rm "/local/domain/$1"
}

# joins GROUP DOMID SLOT NAME: a process there is in the group; maps GROUP DOMID SLOT MAPPED: it has
# mapped others
joins()
{
	xenstore-write "/fido/$1/member/$2/domain/$3" "$4 1234"
}

maps()
{
	xenstore-write "/fido/$1/member/$2/maps/$3" "$4"
}

node()
{
	expect_eq "$(xenstore-read "/fido/$1")" "$2" "/fido/$1"
}

gone()
{
	! xenstore-exists "/fido/$1" || fail "/fido/$1 is still there"
}

perms()
{
	expect_eq "$(cat "$FAKE_XENSTORE/$1/.perms")" "$2" "permissions of $1"
}

test_create()
{
	domain 1 gen
	domain 2 fwd
	domain 3 sink
	group create demo gen 2 sink
	node demo/layout "0x110000000000 40 64"
	node demo/slots/1 0-3
	node demo/slots/2 4-7
	node demo/slots/3 8-11
	perms fido n0
	for path in '' /layout /slots /slots/1 /slots/2 /slots/3 /member /slots-per-domain; do
		perms "fido/demo$path" "n0 r1 r2 r3"
	done
	perms fido/demo/member/1 "n1 r2 r3"
	perms fido/demo/member/2 "n2 r1 r3"
	perms fido/demo/member/3 "n3 r1 r2"
	perms @releaseDomain r0
	refused "there is a group demo with members" create demo 1
	group list
	expect_eq "$out" demo "list"
	joins demo 2 4 fwd0
	group list demo
	expect_eq "$out" "group demo: 64 slots of 2^40 bytes from 0x110000000000
domain 1 gen: slots 0-3
domain 2 fwd: slots 4-7
  slot 4: fwd0 generation 1234
domain 3 sink: slots 8-11" "list demo"
}

test_layout()
{
	domain 1 gen
	domain 2 fwd
	group create small --base=0x200000000 --slot-shift 30 --slots 4 --slots-per-domain 2 0 1
	node small/layout "0x200000000 30 4"
	node small/slots/0 0-1
	node small/slots/1 2-3
	perms fido/small/member/0 "n0 r1"
	refused "no 2 free slots" add small 2
	refused "no 1 free slots" add small --slots-per-domain 1 2
	node small/slots/0 0-1
	gone small/slots/2
	gone small/member/2
	for bad in "--base 12" "--base 0x" "--base 0x1" "--base 0x1234567890123456" "--base 0x7ff000000000" "--base 0x0" \
		"--slots 1" "--slots 65" "--slots 010" "--slot-shift 23" "--slot-shift 43" "--slots-per-domain 0" \
		"--slots-per-domain 65" "--slots" "--colour red"; do
		# shellcheck disable=SC2086 # an option and its value
		refused "--\|cannot be used" create bad 1 $bad
		gone bad
	done
	refused "no 40 free slots" create bad --slots-per-domain 40 1 2
	gone bad
}

test_add()
{
	domain 1 gen
	domain 2 fwd
	domain 3 sink
	domain 9 later
	group create demo 1 2
	joins demo 1 0 gen0
	group add demo 3
	node demo/slots/1 0-3
	node demo/slots/3 8-11
	perms fido/demo/layout "n0 r1 r2 r3"
	perms fido/demo/slots/3 "n0 r1 r2 r3"
	perms fido/demo/member/1/domain/0 "n1 r2 r3"
	perms fido/demo/member/3 "n3 r1 r2"
	# Again: nothing changes.
	group add demo 3 1
	node demo/slots/3 8-11
	node demo/member/1/domain/0 "gen0 1234"
	# The second domain ends, the first still maps its slot 5, the third maps unused slots.
	maps demo 1 0 "4:77 5:78 8:12"
	maps demo 3 8 "13:1"
	ended 2
	group add demo --slots-per-domain 2 later
	gone demo/slots/2
	gone demo/member/2
	node demo/slots/9 6-7
	perms fido/demo/member/1 "n1 r3 r9"
	# The domain that maps them ends too.
	ended 1
	domain 4 more
	group add demo 4
	node demo/slots/4 0-3
	# Mapped slots are free when unmapped; slot 13 is still mapped.
	domain 5 last
	domain 6 late
	group add demo --slots-per-domain 5 5
	node demo/slots/5 14-18
	group add demo --slots-per-domain 2 6
	node demo/slots/6 4-5
}

test_remove()
{
	domain 1 gen
	domain 2 fwd
	domain 3 sink
	group create demo 1 2 3
	group create other 1
	group remove demo fwd
	gone demo/slots/2
	gone demo/member/2
	perms fido/demo/member/1 "n1 r3"
	perms fido/demo/layout "n0 r1 r3"
	refused "is not in group demo" remove demo 2
	joins demo 3 8 sink0
	refused "processes of domain 3 are in group demo" remove demo 3
	refused "processes of domain 3 are in group demo" destroy demo
	node demo/slots/3 8-11
	group remove demo --force 3
	gone demo/member/3
	# Remove a domain that has ended by its number; its processes went with it.
	joins demo 1 0 gen0
	ended 1
	group remove demo 1
	gone demo/member/1
	group destroy demo
	gone demo
	node other/layout "0x110000000000 40 64"
	refused "there is no group demo" destroy demo
	# A group whose domains have all ended may be created again.
	group create other 2
	gone other/slots/1
	node other/slots/2 0-3
	joins other 2 0 fwd0
	group destroy --force other
	! xenstore-exists /fido || fail "/fido is still there"
}

test_many()
{
	local i all='n0'
	for i in {1..15}; do
		domain "$i" "d$i"
	done
	group create demo {1..15}
	for i in {1..15}; do
		all="$all r$i"
	done
	perms fido/demo/layout "$all"
	# With one more the list is too long for xenstore-chmod.
	domain 16 d16
	group add demo 16
	perms fido/demo/layout r0
	perms fido/demo/member/16 "n16 $(printf 'r%s ' {1..15} | sed 's/ $//')"
	node demo/slots/16 60-63
	# A xenstored with a lower limit.
	FAKE_XENSTORE_PERMS=2 group create limited 1 2 3
	perms fido/limited/layout r0
	perms fido/limited/member/2 r2
}

test_refusals()
{
	domain 1 gen
	refused "usage:" frobnicate
	refused "name a group" create
	refused "name the group's domains" create demo
	refused "there is no domain 7" create demo 7
	refused "there is no domain nobody" create demo nobody
	refused "is no name" create 'de mo' 1
	refused "A-Z a-z 0-9 _ -" create de.mo 1
	refused "at most 31" create "$(printf 'x%.0s' {1..32})" 1
	refused "there is no option --force" create demo --force 1
	refused "there is no group demo" add demo 1
	refused "there is no group demo" remove demo 1
	refused "there is no group demo" list demo
	! xenstore-exists /fido || fail "/fido is there"
	mkdir "$FIDO_GROUP_LOCK"
	refused "is at work" create demo 1
	rmdir "$FIDO_GROUP_LOCK"
	group create demo 1
	[ ! -e "$FIDO_GROUP_LOCK" ] || fail "the lock is still there"
	PATH=/usr/bin:/bin FAKE_XENSTORE=/nonexistent refused "run this in dom0\|not installed" list
	group --help
	grep -q "usage: fido-group create" <<<"$out" || fail "no usage"
}

for shell in dash "busybox sh"; do
	for name in create layout add remove many refusals; do
		echo "--- $shell: $name"
		FAKE_XENSTORE=$lib_dir/store
		mkdir "$FAKE_XENSTORE"
		"test_$name"
		rm -r "$FAKE_XENSTORE"
	done
done
