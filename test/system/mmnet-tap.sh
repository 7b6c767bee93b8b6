#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Proves: two kernels communicate by tap ports and a third domain, with little memory: a TCP
# transfer arrives whole, and the domains in the middle forward the first domain's memory.
#
#	netns a: kernel - tap - fido-fwd ==> fido-fwd ==> fido-fwd - tap - kernel :netns b
#	         10.99.0.1               <==          <==                  10.99.0.2
set -eu -o pipefail
# shellcheck source=test/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
[ -c /dev/net/tun ] || skip "no /dev/net/tun: modprobe tun"
mib=64
fwd_options=(--mbufs 2048 --on-down hold --idle adaptive --quiet --stats-period 0 --json)

own_rundir
netns_add a
netns_add b

dev()
{
	echo "--vdev=net_mmnet$3,group=$fido_group,domain=$1,peer=$2,hugepages=off,rx=zero"
}

eal_memory=(--no-huge -m 32)
fido_fwd mid --lcores 0@1 "$(dev mid left 0)" "$(dev mid right 1)" -- --pairs "${fwd_options[@]}"
fwd_to_tap left a 10.99.0.1 "$(dev left mid 0)" "${fwd_options[@]}"
fwd_to_tap right b 10.99.0.2 "$(dev right mid 0)" "${fwd_options[@]}"
head -c "${mib}M" /dev/urandom >sent
start server ip netns exec "$(netns_of b)" python3 -IS -c '
import shutil, socket
listener = socket.create_server(("10.99.0.2", 5001))
with listener.accept()[0].makefile("rb") as come, open("came", "wb") as out:
	shutil.copyfileobj(come, out)'
wait_for 20 'in_ns b ss -ltn | matches :5001' || fail "the server does not listen: $(cat "$(log_of server)")"
echo_run in_ns a timeout 100 bash -c 'cat sent >/dev/tcp/10.99.0.2/5001'
finish server 10
cmp sent came
for name in left right mid; do
	stop $name
	expect_eq "$(result $name '.lost,.copies' | tr '\n' ' ')" "0 0 " "$name: lost, copies"
done
expect_ge "$(result mid .zero_copy)" $(((mib << 20) / 1500)) "packets that mid passed on without a copy"
