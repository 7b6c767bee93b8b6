#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Proves: two groups on one machine, with domains of the same names, know nothing of each other.
#
#   group 1:  gen ==> echo     four processes at once with full traffic; each packet carries
#             gen <== echo     its owner
#   group 2:  gen ==> echo
#             gen <== echo
set -eu
# shellcheck source=test/system/mmnet.bash
. "$(dirname "$0")/mmnet.bash"
need_hugepages 512
count=100000
group=$fido_group

for i in 1 2; do
	fido_group=$group-$i
	pktcheck echo$i "$(on 1)" "$(dev 0 echo gen rx=zero)" -- --mode echo --expect $count
done
for i in 1 2; do
	fido_group=$group-$i
	pktcheck gen$i "$(on 0)" "$(dev 0 gen echo rx=zero)" -- --mode gen --return yes --count $count --seed $i \
		--size 60-1514
done
fido_group=$group
wait_for 20 "[ -S '$FIDO_RUNDIR/$group-1/gen.sock' ] && [ -S '$FIDO_RUNDIR/$group-2/gen.sock' ]" ||
	fail "the groups have no folders of their own: $(ls "$FIDO_RUNDIR")"
for i in 1 2; do
	finish gen$i 40
	finish echo$i 10
	expect_received gen$i $count
	expect_received echo$i $count
	expect_eq "$(result echo$i '.flows | map(.seed) | tostring')" "[$i]" "echo$i: whose packets came"
	expect_eq "$(result gen$i '.flows | map(.seed) | tostring')" "[$i]" "gen$i: whose packets came"
	expect_no_copies gen$i 0
	expect_no_copies echo$i 0
done
