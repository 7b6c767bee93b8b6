# shellcheck shell=dash
# SPDX-License-Identifier: BSD-3-Clause
# Helpers for scenarios that join the kernels of two guests by fido-fwd, in either bed; source
# dpdk-jobs.sh before. $group is the name of the group.
#
#   kernels_of LEFT RIGHT
#                        choose the guests
#   kernels_join DRIVER MIDDLE [OPTION...]
#                        start fido-fwd at both ends, with a port net_DRIVER0 whose interface is fido0,
#                        10.99.0.1 in LEFT and 10.99.0.2 in RIGHT; MIDDLE: a guest that forwards
#                        between them, or none
#   kernels_measure COMMAND...
#                        run the command, which makes traffic, and fail if a packet was copied on the
#                        way
#   kernels_part MIDDLE  end fido-fwd everywhere
# shellcheck disable=SC2154

kernels_of()
{
	kernels_left=$1 kernels_right=$2
}

# GUEST DOMAIN PEER DRIVER [OPTION...]
kernels_end()
{
	local guest=$1 domain=$2 peer=$3 driver=$4
	shift 4
	fwd "$guest" fwd "--vdev=net_${driver}0,iface=fido0 $(dev "$domain" "$peer" 0)" \
		"-- --map net_${driver}0:net_mmnet0,net_mmnet0:net_${driver}0 --idle adaptive --rxd 256 $*"
}

# GUEST ADDRESS
kernels_address()
{
	on "$1" "until ip link set fido0 up 2>/dev/null; do usleep 50000; done; ip addr add $2/24 dev fido0"
}

kernels_join()
{
	local driver=$1 middle=$2 left=mid right=mid
	shift 2
	if [ "$middle" = none ]; then
		left=right right=left
	else
		fwd "$middle" fwd "$(dev mid left 0) $(dev mid right 1) -- --pairs --idle adaptive $*"
	fi
	kernels_end "$kernels_left" left $left "$driver" "$@"
	kernels_end "$kernels_right" right $right "$driver" "$@"
	kernels_address "$kernels_left" 10.99.0.1
	kernels_address "$kernels_right" 10.99.0.2
	if [ "$middle" = none ]; then
		connected 2 1
	else
		connected 3 2
	fi
}

kernels_measure()
{
	local copied packets bells
	# Packets sent before the memory was mapped were copied.
	counters
	copied=$(total_of any any any copied)
	"$@"
	counters
	expect_eq "$(total_of any any any copied)" "$copied" "packets copied"
	packets=$(total_of any any tx packets) bells=$(total_of any any any doorbells)
	say "on all links since the start: $packets packets, $bells doorbells," \
		"$(echo "$bells $packets" | awk '{ printf "%.4f", $1 / $2 }') a packet"
}

kernels_part()
{
	local name
	for name in "$kernels_left" "$kernels_right" "$1"; do
		[ "$name" != none ] || continue
		kill_bg "$name" fwd INT
		wait_bg "$name" fwd 20
	done
}
