#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Proves: however the buffers of received packets are cut (small ones alone, one of 64 KiB, several
# pools), packets of all sizes arrive whole; and when they run out, packets wait with the kernel and
# none is lost.
#
#	netns a: kernel - vtap - left ==> right - vtap - kernel :netns b
#	         10.99.0.1            <==               10.99.0.2
set -eu -o pipefail
# shellcheck source=test/system/vtap.bash
. "$(dirname "$0")/vtap.bash"
netns_add a
netns_add b
head -c 4M /dev/urandom >"$lib_dir/sent"

# try OPTION...: of both fido-fwd
try()
{
	echo "== $*"
	fwd_to_vtap left a 10.99.0.1 "$(dev 0 left right hugepages=off,rx=zero)" "${vtap_options[@]}" "$@"
	fwd_to_vtap right b 10.99.0.2 "$(dev 0 right left hugepages=off,rx=zero)" "${vtap_options[@]}" "$@"
	vtap_answers
	in_ns a ping -q -c 3 -i 0.1 -s 30000 10.99.0.2 | grep -q ' 0% packet loss' || fail "fragments are lost"
	tcp_copy a b 10.99.0.2 "$lib_dir/sent"
	tcp_copy b a 10.99.0.1 "$lib_dir/sent"
	expect_eq "$(xstat_sum left '_(bad_header|too_long|failed_reads)$')" 0 "left: packets dropped"
	no_buffer=$(vtap_stat left rx_no_buffer)
	for name in left right; do
		stop $name
		expect_eq "$(result $name '.lost,.copies' | tr '\n' ' ')" "0 0 " "$name: lost, copies"
	done
}

try
try --data-room 65407 --mbufs 256
try --data-room 2048
try --data-room 300 --mbufs 8192 --txd 2048
# Scarce: about two packets of 64 KiB.
try --data-room 2048 --mbufs 160
expect_ge "$no_buffer" 1 "polls that found no buffer"
