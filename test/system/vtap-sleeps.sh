#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Proves: three domains that sleep whenever they have nothing to do answer each packet of either
# kernel at once, and use almost no CPU without traffic.
#
#	netns a: kernel - vtap - left ==> mid ==> right - vtap - kernel :netns b
#	         10.99.0.1            <==     <==               10.99.0.2
set -eu -o pipefail
# shellcheck source=test/system/vtap.bash
. "$(dirname "$0")/vtap.bash"
vtap_chain --idle interrupt
vtap_answers
in_ns a ping -c 100 -i 0.02 -W 5 10.99.0.2 | tee "$lib_dir/ping"
in_ns b ping -c 100 -i 0.02 -W 5 10.99.0.1 | tee -a "$lib_dir/ping"
expect_eq "$(grep -c '^64 bytes' "$lib_dir/ping")" 200 "answers"
# A lost wake-up would last until the next packet or the next periodic look.
expect_eq "$(sed -nE 's/.*time=([0-9.]+) ms/\1/p' "$lib_dir/ping" | awk '$1 > 900' | wc -l)" 0 "answers that came after 0.9 s"
sleep 1
ticks()
{
	local name
	for name in left mid right; do
		awk '{ print $14 + $15 }' "/proc/${lib_pid[$name]}/stat"
	done | awk '{ s += $1 } END { print s }'
}
before=$(ticks)
sleep 3
expect_ge 60 $(($(ticks) - before)) "hundredths of a second of CPU that three idle domains use in 3 s, at most"
vtap_stop
