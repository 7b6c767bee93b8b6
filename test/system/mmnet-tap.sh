#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Two kernels talk by way of tap ports and a third domain, with little memory: a TCP transfer comes whole.
#
#	netns a: kernel - tap - fido-fwd ==> fido-fwd ==> fido-fwd - tap - kernel :netns b
#	         10.99.0.1               <==          <==                  10.99.0.2
set -eu -o pipefail
# shellcheck source=test/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
mib=${FIDO_TAP_MIB:-64}
fwd_options=(--mbufs 2048 --on-down hold --idle adaptive --quiet --stats-period 0 --json)

own_rundir
netns_add a
netns_add b

dev()
{
	echo "--vdev=net_mmnet$3,group=$fido_group,domain=$1,peer=$2,hugepages=off,rx=zero"
}

end() # NAME NETNS ADDRESS
{
	lib_find_driver
	lib_prefix[$1]=$lib_id-$1
	start "$1" ip netns exec "$(netns_of "$2")" ${wrap:-} "$FIDO_BUILD/apps/fido-fwd/fido-fwd" \
		--file-prefix "${lib_prefix[$1]}" --no-pci -d "$mmnet_driver" --lcores 0@0 --no-huge -m 32 \
		--vdev=net_tap0,iface=fido0 "$(dev "$1" mid 0)" -- \
		--map net_tap0:net_mmnet0,net_mmnet0:net_tap0 --rxd 256 "${fwd_options[@]}"
	wait_for 20 "in_ns $2 ip link set fido0 up 2>/dev/null" || fail "$1: no tap: $(cat "$(log_of "$1")")"
	in_ns "$2" ip addr add "$3/24" dev fido0
}

eal_memory=(--no-huge -m 32)
fido_fwd mid --lcores 0@1 "$(dev mid left 0)" "$(dev mid right 1)" -- --pairs "${fwd_options[@]}"
end left a 10.99.0.1
end right b 10.99.0.2
echo_run in_ns a ping -c 5 -i 0.2 -W 5 10.99.0.2
head -c "${mib}M" /dev/urandom >sent
mkfifo never
# nc ends when its input does; what it got goes to a file, not to a log.
start server ip netns exec "$(netns_of b)" sh -c 'exec busybox nc -l -p 5001 <>never >came'
wait_for 10 'in_ns b ss -ltn | grep -q :5001'
echo_run in_ns a timeout 60 busybox nc 10.99.0.2 5001 <sent
finish server 10
cmp sent came
for name in left right mid; do
	stop $name
	cat "$(log_of $name)" | tail -n 1
done
