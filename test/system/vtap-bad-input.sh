#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Proves: wrong arguments of a vtap port, and interfaces that cannot be had, are refused with a
# message that names them and says what to do.
#
#	fido-fwd --vdev=net_vtap0,... net_null1
set -eu -o pipefail
# shellcheck source=test/system/vtap.bash
. "$(dirname "$0")/vtap.bash"
netns_add a
ns=$(netns_of a)
tries=0

# REGEX COMMAND...: it must end with an error that matches.
refused()
{
	local want=$1 status=0
	shift
	tries=$((tries + 1))
	timeout 30 "$@" >"$lib_dir/refused" 2>&1 || status=$?
	[ $status != 0 ] && [ $status != 124 ] || fail "accepted: $*"
	grep -Eq "vtap: .*$want" "$lib_dir/refused" || fail "no message '$want': $(cat "$lib_dir/refused")"
	grep -E -m 1 "vtap: .*$want" "$lib_dir/refused"
}

# ARGS: print the command of a forwarder with these device arguments.
lib_find_driver
fwd=("$FIDO_BUILD/apps/fido-fwd/fido-fwd" --file-prefix "$lib_id-bad" --no-pci -d "$vtap_driver" --no-huge -m 64 --lcores 0@0
	--vdev=net_null1)
options=(-- --map net_vtap0:net_null1 --duration 1 --quiet)
at_exit 'rm -rf "/run/dpdk/$lib_id-bad"'

# ARGS REGEX
try()
{
	refused "$2" "${fwd[@]}" "--vdev=net_vtap0$1" "${options[@]}"
}

try ,iface=sixteen_letters_ "iface=sixteen_letters_: give an interface name of at most 15"
try ,iface= "iface=: give an interface name"
try ,iface=a/b "iface=a/b: give"
try ,iface=.. "iface=\.\.: give"
try ,iface=a%s "iface=a%s: give"
try ,iface=a%d%d "iface=a%d%d: give"
try ,queues=-18446744073709551615 "queues=-18446744073709551615: give"
try ,queues=0 "queues=0: give the number of queues, 1 to 64"
try ,queues=65 "queues=65: give"
try ,queues=2x "queues=2x: give"
try ,persist=yes "persist=yes: give 1 to keep"
try ,mac=01:00:5e:00:00:01 "mac=01:00:5e:00:00:01: give a unicast address"
try ,netns=no-such-ns "cannot open network namespace /run/netns/no-such-ns: No such file or directory: create it"
try ,netns=/proc/self/status "cannot enter its network namespace: Invalid argument: give netns="
try ,speed=10 "an argument of .*speed=10.* is unknown.*known keys: iface netns queues persist mac"
try ,iface=lo,netns="$ns" "interface lo: cannot create it: Invalid argument: the name belongs to an interface that is no tap"

# Taken.
ip netns exec "$ns" ip tuntap add dev single mode tap vnet_hdr
try ",iface=single,netns=$ns,queues=2" "interface single: cannot create it: Invalid argument: .*another number of queues"
start holder ip netns exec "$ns" "${fwd[@]/$lib_id-bad/$lib_id-holder}" --vdev=net_vtap0,iface=taken -- --map net_vtap0:net_null1 --quiet
lib_prefix[holder]=$lib_id-holder
wait_for 20 'in_ns a ip link show taken up 2>/dev/null | matches taken' || fail "the holder does not start: $(cat "$(log_of holder)")"
try ",iface=taken,netns=$ns" "interface taken: cannot create it: Device or resource busy: .*choose another iface="
stop holder

# Entering a namespace takes CAP_SYS_ADMIN; the process's own needs no entering.
echo_run ip netns exec "$ns" setpriv --bounding-set=-sys_admin --inh-caps=-sys_admin "${fwd[@]}" --vdev=net_vtap0 "${options[@]}" ||
	fail "without netns=, CAP_NET_ADMIN is not enough"

# No right; no device.
refused "cannot create it: Operation not permitted: run with CAP_NET_ADMIN" \
	setpriv --bounding-set=-net_admin --inh-caps=-net_admin "${fwd[@]}" --vdev=net_vtap0 "${options[@]}"
refused "cannot open /dev/net/tun: .*modprobe tun" \
	unshare -m sh -c 'mount -t tmpfs none /dev/net && exec "$@"' - "${fwd[@]}" --vdev=net_vtap0 "${options[@]}"
(
	# shellcheck disable=SC3045 # bash has it
	ulimit -n 30
	refused "cannot open /dev/net/tun: Too many open files: reduce queues=" "${fwd[@]}" --vdev=net_vtap0,queues=40 "${options[@]}"
)
# Mbufs that a frame does not fit into, and no leave to use several.
refused "frames of 9022 bytes do not fit into the mbufs of Rx queue 0 \(2048 bytes\)" \
	"${fwd[@]}" "--vdev=net_vtap0,netns=$ns" -- --map net_vtap0:net_null1 --duration 1 --quiet --mtu 9000 --data-room 2048
expect_ge $tries 18 "cases"
expect_eq "$(in_ns a ls /sys/class/net | grep -c -v -e lo -e single || true)" 0 "interfaces left behind"
