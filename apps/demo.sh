#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Shows Fido at work on this machine: sets up what it needs, runs chains of three domains, prints a
# summary, leaves nothing behind. Exit status 0 only when packets flowed and none was copied in the
# pipeline.
set -eu -o pipefail

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
seconds=10

usage()
{
	cat <<-EOF
	usage: sudo apps/demo.sh [--seconds N] [all|fwd]
	  --seconds N  how long each part sends traffic (default $seconds)
	  fwd          packets: a pipeline of three domains; two networks joined by three domains
	  all          everything (default)
	EOF
}

what=all
while [ $# -gt 0 ]; do
	case $1 in
	--seconds)
		[[ ${2:-} =~ ^[1-9][0-9]*$ ]] || {
			echo "demo: --seconds needs a number, 1 or more" >&2
			exit 2
		}
		seconds=$2
		shift
		;;
	-h | --help)
		usage
		exit 0
		;;
	all | fwd) what=$1 ;;
	*)
		usage >&2
		echo "demo: unknown argument '$1'" >&2
		exit 2
		;;
	esac
	shift
done
[ "$(id -u)" = 0 ] || {
	echo "demo: needs root for hugepages and network interfaces. Run: sudo $0" >&2
	exit 1
}

# shellcheck source=test/lib.sh
. "$top/test/lib.sh"

summary=()
bad=0

# PART TEXT CONDITION...: a line of the summary; a condition that does not hold fails the demo.
conclude()
{
	local part=$1 text=$2 verdict=ok
	shift 2
	"$@" || {
		verdict=FAILED
		bad=1
	}
	summary+=("$(printf '  %-9s %s  %s' "$part" "$text" "$verdict")")
}

# CPU for the NTH busy process: one for each as long as there are enough.
cpu()
{
	echo $(($1 % $(nproc)))
}

# mmnet N DOMAIN PEER: the EAL option of a zero-copy port.
mmnet()
{
	echo "--vdev=net_mmnet$1,group=$fido_group,domain=$2,peer=$3,rx=zero"
}

copies='^(tx_copied|rx_copied|rx_header)_packets$'

# PACKETS BYTES SECONDS, as a rate.
rate()
{
	awk "BEGIN { printf \"%6.2f Mpps %6.1f Gbit/s\", $1 / $3 / 1e6, $2 * 8 / $3 / 1e9 }"
}

# Packets and bytes that went through a process: `flow NAME rx|tx` sets flow_packets, flow_bytes
# and, over all ports of the process, flow_copies.
flow()
{
	{
		read -r flow_packets
		read -r flow_bytes
		read -r flow_copies
	} < <(xstat_sum "$1" "^$2_good_packets\$" "^$2_good_bytes\$" "$copies")
}

# --- a pipeline: txonly -> fido-fwd -> rxonly ---

start_pipeline()
{
	local c
	c=$(cpu 1)
	testpmd sink --lcores "0@$c,1@$c" "$(mmnet 0 sink fwd)" -- \
		--forward-mode=rxonly --auto-start
	c=$(cpu 2)
	fido_fwd fwd --lcores "0@$c" "$(mmnet 0 fwd gen)" "$(mmnet 1 fwd sink)" -- \
		--map 0:1 --idle adaptive --quiet
	c=$(cpu 0)
	testpmd gen --lcores "0@$c,1@$c" "$(mmnet 0 gen fwd)" -- \
		--forward-mode=txonly --txpkts=1514 --auto-start
	# shellcheck disable=SC2016 # wait_for expands it, each time
	wait_for 15 '[ "$(xstat sink 0 rx_good_packets)" -gt 0 ]' ||
		fail "no packet reached the last domain within 15 s"
}

# Print the rates at the end of the pipeline each second.
watch_pipeline()
{
	local i before now packets bytes all_copies name
	flow sink rx
	packets=$flow_packets bytes=$flow_bytes before=$EPOCHREALTIME
	for ((i = 1; i <= seconds; i++)); do
		sleep 1
		all_copies=0
		for name in gen fwd sink; do
			flow $name rx
			all_copies=$((all_copies + flow_copies))
		done
		now=$EPOCHREALTIME
		printf '  %3d s   sink receives %s   copies %d\n' "$i" "$(rate \
			$((flow_packets - packets)) $((flow_bytes - bytes)) "($now - $before)")" "$all_copies"
		packets=$flow_packets bytes=$flow_bytes before=$now
	done
}

pipeline()
{
	local begin begin_packets begin_bytes end all_copies=0 by_pointer name text
	cat <<-'EOF'

	== A pipeline of three domains, each a process of its own ==

	   gen: testpmd txonly --mmnet--> fwd: fido-fwd --mmnet--> sink: testpmd rxonly
	   owns the packets               passes pointers          reads gen's memory

	EOF
	start_pipeline
	flow sink rx
	begin=$EPOCHREALTIME begin_packets=$flow_packets begin_bytes=$flow_bytes
	watch_pipeline
	for name in gen fwd sink; do
		flow $name rx
		all_copies=$((all_copies + flow_copies))
	done
	end=$EPOCHREALTIME
	by_pointer=$(xstat_sum sink '^rx_zero_copy_packets$')
	text="$(rate $((flow_packets - begin_packets)) $((flow_bytes - begin_bytes)) "($end - $begin)")"
	text+=" of 1514 bytes, $by_pointer packets by pointer, $all_copies copied"
	conclude pipeline "$text" test $((flow_packets - begin_packets)) -gt 0 -a "$by_pointer" -gt 0 \
		-a "$all_copies" = 0
	stop gen
	stop fwd
	stop sink
}

# --- two networks: namespace - tap - mmnet - mmnet - tap - namespace ---

# NAME ADDRESS: a namespace with the tap interface of the running domain of that name in it.
join_network()
{
	local name=$1 address=$2
	wait_for 10 "ip link show '$(tap_of "$name")' >/dev/null 2>&1" ||
		fail "$name made no interface $(tap_of "$name")"
	netns_add "$name"
	echo_run ip link set "$(tap_of "$name")" netns "$(netns_of "$name")"
	in_ns "$name" ip addr add "$address/24" dev "$(tap_of "$name")"
	in_ns "$name" ip link set "$(tap_of "$name")" up
}

# Interface names have at most 15 characters.
tap_of()
{
	echo "fd${1:0:1}$$"
}

start_networks()
{
	local side
	fido_fwd mid --lcores "0@$(cpu 1)" "$(mmnet 0 mid left)" "$(mmnet 1 mid right)" -- \
		--idle adaptive --quiet
	for side in left right; do
		fido_fwd $side --lcores "0@$(cpu 0)" "--vdev=net_tap0,iface=$(tap_of $side)" \
			"$(mmnet 0 $side mid)" -- --idle adaptive --quiet
	done
	join_network left 10.99.0.1
	join_network right 10.99.0.2
}

networks()
{
	local log=$lib_dir/traffic.log answers tcp
	cat <<-'EOF'

	== Two Linux networks, joined by three domains ==

	   namespace A --tap-- left --mmnet-- mid --mmnet-- right --tap-- namespace B
	   10.99.0.1           (left, mid and right are fido-fwd)            10.99.0.2

	EOF
	start_networks
	wait_for 15 'in_ns left ping -q -c 1 -W 1 10.99.0.2 >/dev/null' ||
		fail "no answer from 10.99.0.2 within 15 s"
	in_ns left ping -c 5 -i 0.2 10.99.0.2 | tee "$log"
	answers=$(sed -nE 's/.* ([0-9]+) received.*/\1/p' "$log")
	start iperf3 ip netns exec "$(netns_of right)" iperf3 -s -1
	wait_for 5 'in_ns right ss -ltn | grep -q :5201' || fail "the iperf3 server did not start"
	in_ns left iperf3 -c 10.99.0.2 -t "$seconds" -f m | tee "$log"
	tcp=$(awk '/receiver/ { for (i = 2; i <= NF; i++) if ($i == "Mbits/sec") print $(i - 1) }' "$log")
	stop iperf3
	conclude networks "ping $answers of 5 answered, TCP ${tcp:-0} Mbit/s" \
		test "$answers" = 5 -a "${tcp%.*}" -gt 0
	stop left
	stop right
	stop mid
}

demo_fwd()
{
	pipeline
	networks
}

# --- main ---

save_hugepages
echo "Setting up and building (the first time takes some minutes) ..."
"$top/setup.sh" --build >"$lib_dir/setup.log" 2>&1 || {
	tail -n 30 "$lib_dir/setup.log" >&2
	fail "set-up failed"
}
if [ "$(free_hugepages_mb)" -lt 512 ]; then
	echo "No 512 MB of free hugepages: with ordinary pages, which is slower."
	eal_memory=(--no-huge -m 256)
fi
case $what in
all | fwd) demo_fwd ;;
esac
printf '\n== Summary ==\n\n'
printf '%s\n' "${summary[@]}"
exit $bad
