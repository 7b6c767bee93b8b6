# shellcheck shell=bash
# SPDX-License-Identifier: BSD-3-Clause
# Shared by the mmnet-*.sh tests, which source it first. Groups live in a private folder.
#
#   dev PORT DOMAIN PEER [ARG...]  the --vdev option of an mmnet port
#   on CORE                        EAL's options for one lcore, on that core
#   on2 CORE                       the same for two, as testpmd needs: commands, forwarding
#   up NAME...                     wait until pktcheck has started, or fido-fwd printed its streams
#   all_mapped                     wait until each domain of the group has mapped the memory of all
#                                  others: until then forwarded packets are copied for it
#   port_stat NAME PORT KEY        an extended statistic from pktcheck's result
#   fwd_stat NAME PORT KEY         a counter of a port from fido-fwd's result
#   expect_whole NAME              pktcheck: nothing is corrupt, lost, duplicate or out of order
#   expect_received NAME N         pktcheck: N packets arrived, and all of the above
#   expect_no_copies NAME PORT     pktcheck: nothing was copied, in either direction
#   expect_stat NAME PORT KEY WANT
#   installed_driver               make "${installed[@]}" CMD... run CMD as if the driver was
#                                  installed, for secondary processes
#   driver_maps NAME, open_files NAME
#                                  a process's mappings of libfido memory; its file descriptors

FIDO_TOP=${FIDO_TOP:-$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)}
# shellcheck source=test/lib.sh
. "$FIDO_TOP/test/lib.sh"
own_rundir
# shellcheck disable=SC2034 # lib.sh uses it
eal_memory=(--in-memory -m 128)

dev()
{
	local args
	args="net_mmnet$1,group=$fido_group,domain=$2,peer=$3"
	shift 3
	printf -- '--vdev=%s%s\n' "$args" "$(printf ',%s' "$@" | sed 's/^,$//')"
}

on()
{
	echo "--lcores=0@$(($1 % $(nproc)))"
}

on2()
{
	echo "--lcores=0@$(($1 % $(nproc))),1@$(($1 % $(nproc)))"
}

up()
{
	local name
	for name in "$@"; do
		wait_for 40 "! is_running '$name' ||
			grep -Eaq 'pktcheck: started|fido-fwd: lcore' '$(log_of "$name")'" ||
			fail "$name did not start"
		is_running "$name" || fail "$name did not start: $(tail -n 5 "$(log_of "$name")")"
	done
}

all_mapped()
{
	# shellcheck disable=SC2016 # jq's variables
	local all='[.domains[]] as $all | all($all[]; . as $one | all($all[]; . as $other | $one.slot == $other.slot or
		any($one.mapped[]; .slot == $other.slot and .generation == $other.generation and .epoch >= $other.epoch)))'
	wait_for 20 '"$FIDO_BUILD/apps/fido-ctl/fido-ctl" list --group "$fido_group" --json | jq -e "$all" >/dev/null' ||
		fail "not all domains have mapped the memory of all: $("$FIDO_BUILD/apps/fido-ctl/fido-ctl" list --group "$fido_group")"
}

port_stat()
{
	result "$1" ".ports[$2].xstats.$3"
}

fwd_stat()
{
	result "$1" ".ports[$2].$3"
}

expect_stat()
{
	expect_eq "$(port_stat "$1" "$2" "$3")" "$4" "$1: port $2: $3"
}

expect_whole()
{
	expect_eq "$(result "$1" '[.corrupt, .lost, .duplicate, .late, .wrong_queue] | map(tostring) | join(" ")')" \
		"0 0 0 0 0" "$1: corrupt, lost, duplicate, late, by a wrong queue"
}

expect_received()
{
	expect_eq "$(result "$1" .rx_packets)" "$2" "$1: packets received"
	expect_whole "$1"
}

expect_no_copies()
{
	expect_stat "$1" "$2" tx_copied_packets 0
	expect_stat "$1" "$2" rx_copied_packets 0
}

# DPDK's tools that run as secondary processes have no option to name a driver, or must load all
# drivers in the same order as the primary, since mempool ops are known by number: put the driver
# into the folder where EAL looks.
installed_driver()
{
	[ "$(id -u)" = 0 ] || skip "dpdk-dumpcap finds the driver in a folder of root's"
	lib_find_driver
	PMDS=$(echo "$(pkg-config --variable=libdir libdpdk)"/dpdk/pmds-*)
	MMNET=$(mktemp -d /run/fido-pmd.XXXXXX)
	export PMDS MMNET
	at_exit 'rm -rf "$MMNET"'
	chmod 755 "$MMNET"
	cp "$mmnet_driver" "$MMNET/"
	installed=(unshare -m sh -c 'mount -t overlay fido-test -o "lowerdir=$MMNET:$PMDS" "$PMDS" && exec "$@"' installed)
	"${installed[@]}" true || skip "this kernel mounts no overlay"
}

driver_maps()
{
	grep -c 'memfd:fido' "/proc/${lib_pid[$1]}/maps" || true
}

open_files()
{
	find "/proc/${lib_pid[$1]}/fd" -mindepth 1 | wc -l
}
