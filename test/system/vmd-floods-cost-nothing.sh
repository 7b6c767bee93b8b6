#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Proves: a member that does not read costs fido-vmd no memory, nor does one that floods it with
# rings, garbage or HELLO; others go on; all is counted; and the deaf one hears, when it listens
# again, that it is to ring all of its doorbells.
#
#	deaf <-- fido-vmd <-- flood: 200,000 rings, 1 MB of garbage          good: a ring now and then
#
# No hugepages, no virtual machine.
# shellcheck source=test/system/vmd.bash
. "$(dirname "$0")/vmd.bash"

create "$group" --vm gen --host 3 --slots-per-vm 1
serve vmd
member deaf host.sock 101
tell deaf hello -1
hears deaf "WELCOME slot=0"
member flood slot.3.port 301
tell flood hello 3
hears flood "WELCOME slot=3"
member good host.sock 102
tell good hello -1
hears good "WELCOME slot=1"
hears deaf "PEER slot=1 generation=102"

resident()
{
	awk '/^VmRSS/ { print $2 }' "/proc/${lib_pid[vmd]}/status"
}

tell deaf deaf
before=$(resident)
for bell in 1 70000 140000; do
	tell flood ring 0 101 $bell 70000
	tell good ring 3 301 $bell 1
	hears flood "RING slot=1 generation=102 value=$bell"
done
tell flood garbage 1000000
tell flood ring 1 102 5 1
hears good "RING slot=3 generation=301 value=5"
wait_for 60 '[ "$(slot 3 .rings)" -ge 210001 ]' || fail "rings: $(slot 3 .rings)"
expect_ge "$(slot 3 .skipped_bytes)" 990000 "garbage"
expect_ge $((before + 4096)) "$(resident)" "KiB of fido-vmd"
grep -q "slot 3 of gen sends bytes that are no frames" "$(log_of vmd)" || fail "the garbage is not logged"
[ "$(grep -c "that are no frames" "$(log_of vmd)")" = 1 ] || fail "the garbage is logged more than once"
tell deaf listen
hears deaf "CHANGED slot=3 generation=301 value=1"

echo "--- HELLO, again and again"
for i in {1..300}; do
	echo "hello 3" >&"${vmd_fd[flood]}"
done
tell flood ring 1 102 6 1
hears good "RING slot=3 generation=301 value=6"
expect_eq "$(slot 3 .joins)" 1 "joins of the flood"
hears_nothing good GONE

echo "--- a generation of none, and others'"
tell flood as 0
tell flood hello 3
tell flood bye 1
tell flood as 999
tell flood ring 1 102 7 1
tell flood bye 1
tell flood as 301
tell flood ring 1 102 8 1
hears good "RING slot=3 generation=301 value=8"
hears_nothing good "value=7"
expect_eq "$(slot 3 .dropped)" 4 "frames that are dropped"

echo "--- more connections than slots"
for i in {1..140}; do
	member "many$i" host.sock $((1000 + i)) >/dev/null
done
member last host.sock 2000
tell last hello -1
hears last "WELCOME slot=2"
hears good "PEER slot=2 generation=2000"
stop_serving vmd
