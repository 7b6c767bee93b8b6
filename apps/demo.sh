#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Demonstrates Fido on this machine: sets it up, runs chains of three domains, prints a summary, and
# cleans up. Exits with 0 only if packets flowed and the pipeline copied none. With `blk`: runs a
# file system on a disk that another domain serves, and exits with 0 only if the file system is
# intact and that domain copied no block.
set -eu -o pipefail

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
seconds=10

usage()
{
	cat <<-EOF
	usage: sudo apps/demo.sh [--seconds N] [fwd|blk|all]
	  --seconds N  send traffic for N seconds in each part of fwd (default $seconds)
	  fwd          run a pipeline of three domains, and connect two networks by three (default)
	  blk          run a file system on a volume that another domain serves
	  all          run both
	EOF
}

what=fwd
while [ $# -gt 0 ]; do
	case $1 in
	--seconds)
		[[ ${2:-} =~ ^[1-9][0-9]*$ ]] || {
			echo "demo: --seconds '${2:-}': give a number, 1 or more" >&2
			exit 2
		}
		seconds=$2
		shift
		;;
	-h | --help)
		usage
		exit 0
		;;
	all | fwd | blk) what=$1 ;;
	*)
		usage >&2
		echo "demo: unknown argument '$1'" >&2
		exit 2
		;;
	esac
	shift
done
[ "$(id -u)" = 0 ] || {
	echo "demo: needs root for hugepages, network interfaces and mounts: run sudo $0" >&2
	exit 1
}

# shellcheck source=test/lib.sh
. "$top/test/lib.sh"

summary=()
bad=0

# PART TEXT CONDITION...: add a line to the summary. The demo fails if the condition is false.
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

# Print the CPU of domain N of the pipeline: one each if there are three. Else the first two domains
# share a CPU, and the forwarder runs with --idle interrupt: it sleeps at once, so that the
# generator, which never sleeps, has the CPU until its next burst is ready.
pipeline_cpu()
{
	if [ "$(nproc)" -ge 3 ]; then
		echo "$1"
	else
		echo $(($1 == 2 ? $(nproc) - 1 : 0))
	fi
}

all_cpus()
{
	echo "0-$(($(nproc) - 1))"
}

# mmnet N DOMAIN PEER: print the EAL option of a zero-copy port.
mmnet()
{
	echo "--vdev=net_mmnet$1,group=$fido_group,domain=$2,peer=$3,rx=zero"
}

# PACKETS BYTES SECONDS: print the rate.
rate()
{
	awk "BEGIN { printf \"%6.2f Mpps %6.1f Gbit/s\", $1 / $3 / 1e6, $2 * 8 / $3 / 1e9 }"
}

# Set $packets and $bytes to the totals that the last domain of the pipeline has received.
count_received()
{
	{
		read -r packets
		read -r bytes
	} < <(xstat_sum sink '^rx_good_packets$' '^rx_good_bytes$')
}

# NAME...: set $by_pointer and $copied to the packets that these processes passed by pointer and
# copied, and $crossings to a text with both.
count_crossings()
{
	local name part
	local copies='^(tx_copied|rx_copied|rx_header)_packets$'
	by_pointer=0
	copied=0
	for name in "$@"; do
		is_running "$name" || fail "$name exited early: $(tail -n 5 "$(log_of "$name")")"
		part=$(xstat_sum "$name" '^rx_zero_copy_packets$' "$copies")
		by_pointer=$((by_pointer + ${part%%$'\n'*}))
		copied=$((copied + ${part##*$'\n'}))
	done
	crossings="packets passed by pointer: $by_pointer, copied: $copied"
}

# --- a pipeline: txonly -> fido-fwd -> rxonly ---

# Start the forwarder last, when the ends of the pipeline have mapped each other's memory. Packets
# that it forwarded before that would be copied.
start_pipeline()
{
	local cpu idle=adaptive
	[ "$(nproc)" -ge 3 ] || idle=interrupt
	cpu=$(pipeline_cpu 2)
	testpmd sink --lcores "0@$cpu,1@$cpu" "$(mmnet 0 sink fwd)" -- \
		--forward-mode=rxonly --burst=256 --auto-start
	cpu=$(pipeline_cpu 0)
	testpmd gen --lcores "0@$cpu,1@$cpu" "$(mmnet 0 gen fwd)" -- \
		--forward-mode=txonly --txpkts=1514 --burst=256 --auto-start
	cpu=$(pipeline_cpu 1)
	fido_fwd fwd --lcores "0@$cpu" "$(mmnet 0 fwd gen)" "$(mmnet 1 fwd sink)" -- \
		--map 0:1 --burst 256 --idle $idle --quiet
	# shellcheck disable=SC2016 # wait_for expands it
	wait_for 15 '! is_running fwd || [ "$(xstat sink 0 rx_good_packets)" -gt 0 ]' ||
		fail "no packet reached the last domain within 15 s"
}

# Print the rate at the end of the pipeline every second. $packets and $bytes are the last counts.
watch_pipeline()
{
	local i before=$EPOCHREALTIME last_packets last_bytes now
	for ((i = 1; i <= seconds; i++)); do
		last_packets=$packets
		last_bytes=$bytes
		sleep 1
		count_received
		now=$EPOCHREALTIME
		count_crossings gen fwd sink
		printf '  %3d s   sink receives %s   copied %d\n' "$i" "$(rate \
			$((packets - last_packets)) $((bytes - last_bytes)) "($now - $before)")" \
			"$copied"
		before=$now
	done
}

pipeline()
{
	local begin begin_packets begin_bytes text
	cat <<-'EOF'

	== A pipeline of three domains, each in its own process ==

	   gen: testpmd txonly --mmnet--> fwd: fido-fwd --mmnet--> sink: testpmd rxonly
	   owns the packets               passes pointers          reads gen's memory

	EOF
	start_pipeline
	count_received
	begin=$EPOCHREALTIME
	begin_packets=$packets
	begin_bytes=$bytes
	watch_pipeline
	text=$(rate $((packets - begin_packets)) $((bytes - begin_bytes)) \
		"($EPOCHREALTIME - $begin)")
	conclude pipeline "$text of 1514 bytes, $crossings" test \
		$((packets - begin_packets)) -gt 0 -a "$by_pointer" -gt 0 -a "$copied" = 0
	stop gen
	stop fwd
	stop sink
}

# --- two networks: namespace - vtap - mmnet - mmnet - vtap - namespace ---

# NAME ADDRESS: give the interface of domain NAME its address.
join_network()
{
	local name=$1 address=$2
	wait_for 10 "in_ns '$name' ip link show fido0 2>/dev/null | matches LOWER_UP" ||
		fail "$name did not set up interface fido0"
	echo_run ip -n "$(netns_of "$name")" addr add "$address/24" dev fido0
}

start_networks()
{
	local side
	fido_fwd mid --lcores "0@$(all_cpus)" "$(mmnet 0 mid left)" "$(mmnet 1 mid right)" -- \
		--idle adaptive --offload --quiet
	for side in left right; do
		netns_add $side
		fido_fwd $side --lcores "0@$(all_cpus)" \
			"--vdev=net_vtap0,iface=fido0,netns=$(netns_of $side)" \
			"$(mmnet 0 $side mid)" -- --idle adaptive --offload --quiet
	done
	join_network left 10.99.0.1
	join_network right 10.99.0.2
}

networks()
{
	local log=$lib_dir/traffic.log answers tcp
	cat <<-'EOF'

	== Two Linux networks, connected by three domains ==

	   namespace A --vtap-- left --mmnet-- mid --mmnet-- right --vtap-- namespace B
	   10.99.0.1            (left, mid and right are fido-fwd)            10.99.0.2

	EOF
	start_networks
	wait_for 15 'in_ns left ping -q -c 1 -W 1 10.99.0.2 >/dev/null' ||
		fail "no answer from 10.99.0.2 within 15 s"
	in_ns left ping -c 5 -i 0.2 10.99.0.2 | tee "$log"
	answers=$(sed -nE 's/.* ([0-9]+) received.*/\1/p' "$log")
	start iperf3 ip netns exec "$(netns_of right)" iperf3 -s -1
	wait_for 5 'in_ns right ss -ltn | matches :5201' || fail "the iperf3 server did not start"
	in_ns left iperf3 -c 10.99.0.2 -t "$seconds" -f m | tee "$log"
	tcp=$(awk '/receiver/ {
		for (i = 2; i <= NF; i++) if ($i == "Mbits/sec") print $(i - 1)
	}' "$log")
	stop iperf3
	count_crossings left mid right
	conclude networks "ping $answers of 5 answered, TCP ${tcp:-0} Mbit/s, $crossings" \
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

# --- a disk: ext4 - loop device - nbdfuse - nbdkit - rings - fido-blkd - file ---

# FILTER: print a counter of the volume, of the backend that runs now.
volume_stat()
{
	"$FIDO_BUILD/apps/fido-ctl/fido-ctl" blk --group "$fido_group" --json |
		jq -r ".volumes[] | select(.name == \"root\") | $1"
}

start_disk()
{
	blkd disk --volume "root=file:$lib_dir/disk.img"
}

# Add the counters of the backend, which are lost when it exits.
add_figures()
{
	written=$((written + $(volume_stat .total.write_bytes)))
	read=$((read + $(volume_stat .total.read_bytes)))
	copies=$((copies + $(volume_stat .copied)))
}

# Copy the tree to the disk twice. Between the copies, kill the backend while it writes.
fill_disk()
{
	local begin=$EPOCHREALTIME mb writer
	disk_mount
	echo_run cp -a "$tree" "$disk_mnt/first"
	add_figures
	# Stop it first, so that requests are unanswered when it is killed.
	kill -STOP "${lib_pid[disk]}"
	sync -f "$disk_mnt" &
	writer=$!
	sleep 0.5
	echo "+ kill -KILL [disk] during writes, and start it again"
	kill_hard disk
	start_disk
	wait "$writer"
	echo_run cp -a "$tree" "$disk_mnt/second"
	disk_umount
	mb=$(du -sBM --apparent-size "$tree" | awk '{ print 2 * $1 }')
	awk "BEGIN { t = $EPOCHREALTIME - $begin; printf \"%d MB of files in %.1f s\\n\", $mb, t }"
}

# Attach the disk again, so that the kernel has none of it cached, and compare the files.
check_disk()
{
	local copy differ=0
	nbd_detach
	nbd_attach nbdkit
	disk_mount
	for copy in first second; do
		echo_run diff -r --no-dereference "$tree" "$disk_mnt/$copy" || differ=1
	done
	disk_umount
	echo_run fsck.ext4 -fn "$disk_device" || differ=1
	nbd_detach
	return $differ
}

disk()
{
	local tree=$lib_dir/tree
	local written=0 read=0 copies=0 whole=yes again
	cat <<-'EOF'

	== A file system of this kernel on a disk in another domain ==

	   ext4 - loop device - nbdfuse --NBD--> nbdkit --rings--> disk: fido-blkd, serves a file
	                                         reads disk's      reads nbdkit's memory
	                                         memory

	EOF
	# Create the tree: an existing one could change between the copy and the comparison.
	echo_run "$top/test/make-tree.sh" "$tree"
	echo_run truncate -s 1G "$lib_dir/disk.img"
	start_disk
	nbdkit_fido nbdkit root
	nbd_attach nbdkit
	echo_run mkfs.ext4 -q "$disk_device"
	fill_disk
	check_disk || whole=no
	add_figures
	stop nbdkit
	stop disk
	again=$(grep -ao ' resent [0-9]*' "$(log_of nbdkit)" | awk '{ print $2 }')
	conclude disk "$((written >> 20)) MB written, $((read >> 20)) MB read, \
copied by disk: $copies; disk killed, requests resent: $again; \
files and file system intact: $whole" \
		test $whole = yes -a "$copies" = 0 -a $written -gt 0 -a $read -gt 0
}

demo_blk()
{
	disk
}

# --- main ---

echo "Setting up and building (takes some minutes the first time) ..."
adding_hugepages "$top/setup.sh" --build >"$lib_dir/setup.log" 2>&1 || {
	tail -n 30 "$lib_dir/setup.log" >&2
	fail "set-up failed"
}
if [ "$(free_hugepages_mb)" -lt 512 ]; then
	echo "Less than 512 MB of hugepages are free: using ordinary pages, which are slower."
	eal_memory=(--no-huge -m 256)
fi
case $what in
fwd) demo_fwd ;;
blk) demo_blk ;;
all)
	demo_fwd
	demo_blk
	;;
esac
printf '\n== Summary ==\n\n'
printf '%s\n' "${summary[@]}"
exit $bad
