#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Proves: mmnet ports can be attached to and detached from a running application again and again,
# under traffic too; the link comes up each time, and nothing is left behind: no memory, no
# descriptor, no file.
#
#   gen ==> [testpmd]      port attach, port detach; at times the only port, whose domain leaves too
set -eu
# shellcheck source=test/system/mmnet.bash
. "$(dirname "$0")/mmnet.bash"
need_hugepages 384

args="net_mmnet1,group=$fido_group,domain=pmd,peer=gen"

# plug [ARG]: attach, receive, detach
plug()
{
	local id
	testpmd_cmd pmd "port attach $args${1:+,$1}" >"$lib_dir/answer"
	id=$(sed -n 's/^Port \([0-9]*\) is attached.*/\1/p' "$lib_dir/answer")
	[ -n "$id" ] || fail "cannot attach: $(cat "$lib_dir/answer")"
	testpmd_cmd pmd "port start $id" >/dev/null
	testpmd_cmd pmd "set portlist $id" >/dev/null
	testpmd_cmd pmd start >/dev/null
	wait_for 10 "[ \$(xstat pmd $id rx_good_packets) -gt 200 ]" || fail "the attached port $id receives nothing"
	testpmd_cmd pmd stop >/dev/null
	testpmd_cmd pmd "port stop $id" >/dev/null
	testpmd_cmd pmd "port detach $id" >"$lib_dir/answer"
	grep -q 'is detached' "$lib_dir/answer" || fail "cannot detach: $(cat "$lib_dir/answer")"
}

pktcheck gen "$(on 0)" "$(dev 0 gen pmd)" -- --mode gen --size 60-1514 --timeout 0 --mbufs 16384
testpmd pmd "$(on2 1)" --vdev=net_null0 -- --forward-mode=rxonly
for mode in copy zero auto; do
	plug rx=$mode
done
# The rest of a closed port's memory is unmapped soon.
wait_for 10 '[ "$(driver_maps pmd)" = 0 ]' || fail "after a detach $(driver_maps pmd) mappings of libfido's are left"
files=$(open_files pmd) pages=$(free_hugepages_mb)
[ ! -e "$FIDO_RUNDIR/$fido_group/pmd.sock" ] || fail "the socket is left after a detach"
for mode in zero copy zero auto zero; do
	plug rx=$mode
done
wait_for 10 '[ "$(driver_maps pmd)" = 0 ]' || fail "after more of them $(driver_maps pmd) mappings of libfido's are left"
wait_for 10 '[ "$(open_files pmd)" -le "$files" ]' || fail "$(open_files pmd) open files after more of them, $files before"
echo "free 2 MiB pages: before $pages MB, after $(free_hugepages_mb) MB"
[ ! -e "$FIDO_RUNDIR/$fido_group/pmd.sock" ] || fail "the socket is left after a detach"

echo "--- a second port comes and goes while the first one works"
testpmd_cmd pmd "port attach net_mmnet0,group=$fido_group,domain=pmd,peer=other" | matches 'is attached' ||
	fail "cannot attach the port that stays"
testpmd_cmd pmd "port start all" >/dev/null
for mode in zero copy zero; do
	plug rx=$mode
done
[ -e "$FIDO_RUNDIR/$fido_group/pmd.sock" ] || fail "the domain left with a port still there"
is_running gen || fail "gen ended"
stop pmd
stop gen
expect_stat gen 0 tx_copied_packets 0
