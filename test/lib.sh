# shellcheck shell=bash
# SPDX-License-Identifier: BSD-3-Clause
# Helpers for the system tests, test/run.sh and apps/demo.sh; source it after `set -eu`.
#
# $fido_group names a group of domains of the script's own.
#
# Everything started or created through these helpers (processes, network namespaces, hugepage
# files, hugepages) is stopped or given back at exit, however the script ends, and nothing else is
# touched.
#
#   echo_run CMD...              print the command, then run it
#   start NAME CMD...            run CMD in the background; its output: log_of NAME
#   stop NAME [STATUS]           SIGINT; fail if it runs on for 30 s or its status differs
#   kill_hard NAME               SIGKILL, as in a crash
#   is_running NAME              true while it runs
#   testpmd NAME [EAL...] -- [APP...]
#                                start an interactive dpdk-testpmd with the mmnet driver
#   testpmd_cmd NAME COMMAND     give it a command, print its answer
#   fido_fwd NAME [EAL...] -- [APP...]
#                                start fido-fwd
#   pktcheck NAME [EAL...] -- [APP...]
#                                start pktcheck: sends, receives, checks (test/system/helpers)
#   dpdk_example NAME EXAMPLE [EAL...] -- [APP...]
#                                start one of DPDK's examples (setup.sh lists them)
#   finish NAME SECONDS [STATUS] wait until it exits by itself; fail if it does not, or its status
#                                differs
#   result NAME EXPRESSION       apply jq to the last line of its output, which is JSON
#   telemetry NAME COMMAND       ask a DPDK process: one JSON object
#   xstat NAME PORT KEY          one extended statistic; 0 where the port has none of that name
#   xstat_sum NAME REGEX...      for each, the sum over all ports of the statistics that match
#   fwd_to_tap NAME NETNS ADDRESS VDEV [APP...]
#                                start fido-fwd in NETNS, from its kernel (tap fido0) to port VDEV
#   fwd_to_vtap NAME NETNS ADDRESS VDEV [APP...]
#                                the same with a vtap port and --offload; vtap_args: its arguments
#   netns_add NAME, in_ns NAME CMD...
#                                create a network namespace for this script; run CMD in it
#   netns_of NAME                its real name, as for: start srv ip netns exec "$(netns_of a)" CMD
#   blkd NAME ARG...             start fido-blkd as domain NAME of $fido_group, wait until it serves
#   nbdkit_fido NAME ARG...      start nbdkit with the fido plugin, wait until it answers
#   nbd_uri NAME [VOLUME]        its address
#   nbd_attach NAME [VOLUME]     make a volume a block device, $disk_device (nbdfuse, loop)
#   nbd_detach                   undo nbd_attach
#   blk_mount NAME VOLUME [ARG...]
#                                mount a volume by fido-blk-mount: mounted NAME is its file, or
#                                with --loop its block device
#   disk_mount, disk_umount      mount and unmount the file system of $disk_device on $disk_mnt
#   wait_for SECONDS CONDITION   wait until the shell condition holds; false: it never did. A
#                                busy machine gets longer
#   need_hugepages MB            have that many MB free for EAL, and more for arenas, or skip
#   own_rundir                   use a private folder for groups; it must be empty at exit
#   at_exit COMMAND              run it at the end too, however the script ends
#   before_exit COMMAND          the same, while started processes still run
#   fail MSG, skip MSG           end the test: exit 1, exit 77
#   expect_eq A B MSG, expect_ge A B MSG
#                                fail unless A = B, A >= B (numbers)

# Tests match messages of programs, and numbers with decimal points.
export LC_ALL=C.UTF-8
FIDO_TOP=${FIDO_TOP:-$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)}
FIDO_BUILD=${FIDO_BUILD:-$FIDO_TOP/build}
case $FIDO_BUILD in /*) ;; *) FIDO_BUILD=$PWD/$FIDO_BUILD ;; esac
export FIDO_TOP FIDO_BUILD

lib_dir=$(mktemp -d)
lib_id=fido$$
# Record the id that names this script's resources (test/run.sh).
[ -z "${FIDO_TEST_IDS:-}" ] || echo "$lib_id" >>"$FIDO_TEST_IDS"
# A group of domains for this script alone; its remains are removed at exit.
fido_group=$lib_id
# EAL's memory options for every application: an array to be filled by the caller.
eal_memory=()
declare -A lib_pid=() lib_fd=() lib_prefix=() lib_netns=()
lib_owner=$BASHPID
lib_driver_dir=
lib_rundir=
lib_at_exit=()
lib_before_exit=()
lib_added_hugepages=0
# Limits fit a quiet machine; a busy one gets this many times as long.
lib_patience=3
lib_huge=/sys/kernel/mm/hugepages/hugepages-2048kB

fail()
{
	printf 'FAIL: %s\n' "$*" >&2
	exit 1
}

skip()
{
	printf 'skip: %s\n' "$*"
	exit 77
}

# Use in a pipe in place of grep -q, which exits at its match: the writer then gets SIGPIPE, which
# pipefail at times takes for a failure. This one reads all input.
matches()
{
	local status=0
	grep -q "$@" || status=$?
	cat >/dev/null
	return $status
}

expect_eq()
{
	[ "$1" = "$2" ] || fail "${3:-values differ}: '$1' is not '$2'"
}

expect_ge()
{
	[ "$1" -ge "$2" ] || fail "${3:-value too small}: $1 is less than $2"
}

at_exit()
{
	lib_at_exit+=("$1")
}

before_exit()
{
	lib_before_exit+=("$1")
}

echo_run()
{
	printf '+ %s\n' "$*"
	"$@"
}

wait_for()
{
	local end=$((SECONDS + $1 * lib_patience + 1)) late=0 pauses=(0.01 0.02 0.04 0.06) n=0
	until eval "$2"; do
		# If the machine stood still until the limit, no process had time: look some more
		# times.
		[ $SECONDS -lt $end ] || [ $((late += 1)) -le 20 ] || return 1
		# Most conditions hold soon. Poll the others rarely: polling takes processor time
		# from them.
		sleep "${pauses[n++]:-0.1}"
	done
}

# --- processes ---

log_of()
{
	echo "$lib_dir/$1.log"
}

# A background process of a script ignores SIGINT by default: hence env.
start()
{
	local name=$1
	shift
	[ -z "${lib_pid[$name]:-}" ] || fail "start: '$name' is taken"
	printf '+ [%s] %s\n' "$name" "$*"
	: >"$lib_dir/$name.log"
	env --default-signal=INT,QUIT "$@" <"${lib_stdin:-/dev/null}" >"$lib_dir/$name.log" 2>&1 &
	lib_pid[$name]=$!
}

is_running()
{
	[ -n "${lib_pid[$1]:-}" ] && kill -0 "${lib_pid[$1]}" 2>/dev/null
}

# Forget an exited process and remove what EAL left of it; set lib_status to its exit status.
lib_reap()
{
	local name=$1 fd
	lib_status=0
	wait "${lib_pid[$name]}" 2>/dev/null || lib_status=$?
	unset "lib_pid[$name]"
	if [ -n "${lib_fd[$name]:-}" ]; then
		fd=${lib_fd[$name]}
		exec {fd}>&-
		unset "lib_fd[$name]"
	fi
	if [ -n "${lib_prefix[$name]:-}" ]; then
		rm -rf "/dev/hugepages/${lib_prefix[$name]}map_"* "/run/dpdk/${lib_prefix[$name]}"
		unset "lib_prefix[$name]"
	fi
}

stop()
{
	local name=$1 want=${2:-0}
	is_running "$name" && kill -INT "${lib_pid[$name]}"
	if ! wait_for 30 "! is_running '$name'"; then
		kill -KILL "${lib_pid[$name]}"
		lib_reap "$name"
		fail "$name does not exit on SIGINT"
	fi
	lib_reap "$name"
	[ "$lib_status" = "$want" ] ||
		fail "$name exited with status $lib_status, not $want: $(tail -n 5 "$lib_dir/$name.log")"
}

finish()
{
	local name=$1 want=${3:-0}
	wait_for "$2" "! is_running '$name'" || fail "$name did not exit within $2 s"
	lib_reap "$name"
	[ "$lib_status" = "$want" ] ||
		fail "$name exited with status $lib_status, not $want: $(tail -n 5 "$lib_dir/$name.log")"
}

result()
{
	grep -a '^{' "$lib_dir/$1.log" | tail -n 1 | jq -r "$2"
}

kill_hard()
{
	kill -KILL "${lib_pid[$1]}"
	lib_reap "$1"
}

# --- DPDK applications ---

# Set $mmnet_driver and $vtap_driver to the paths of the drivers. EAL loads no driver from below a
# world-writable folder such as /tmp: then use copies in /run.
lib_find_driver()
{
	local dir=$FIDO_BUILD/drivers/net
	[ -z "${mmnet_driver:-}" ] || return 0
	mmnet_driver=$dir/mmnet_pmd/librte_net_mmnet.so
	vtap_driver=$dir/vtap_pmd/librte_net_vtap.so
	[ -e "$mmnet_driver" ] || fail "no driver $mmnet_driver: run $FIDO_TOP/setup.sh --build"
	dir=$(realpath "$dir")
	while [ "$dir" != / ]; do
		[ -z "$(find "$dir" -maxdepth 0 -perm -o+w)" ] || break
		dir=$(dirname "$dir")
	done
	[ "$dir" != / ] || return 0
	lib_driver_dir=$(mktemp -d /run/fido-driver.XXXXXX)
	chmod 755 "$lib_driver_dir"
	cp "$mmnet_driver" "$vtap_driver" "$lib_driver_dir/"
	mmnet_driver=$lib_driver_dir/librte_net_mmnet.so
	vtap_driver=$lib_driver_dir/librte_net_vtap.so
}

# Start a DPDK application: NAME COMMAND [EAL...] -- [APP...]
lib_start_eal()
{
	local name=$1 command=$2
	shift 2
	lib_find_driver
	local drivers=(-d "$mmnet_driver")
	[[ "$*" != *net_vtap* ]] || drivers+=(-d "$vtap_driver")
	lib_prefix[$name]=$lib_id-$name
	start "$name" stdbuf -oL "$command" --file-prefix "${lib_prefix[$name]}" --no-pci \
		"${drivers[@]}" ${eal_memory[@]+"${eal_memory[@]}"} "$@"
}

testpmd()
{
	local name=$1 arg fd eal=() mbufs=(--total-num-mbufs=16384) fifo=$lib_dir/$1.in
	shift
	while [ $# -gt 0 ] && [ "$1" != -- ]; do
		eal+=("$1")
		shift
	done
	[ $# -eq 0 ] || shift
	for arg in "$@"; do
		[[ $arg != --total-num-mbufs* ]] || mbufs=()
	done
	rm -f "$fifo"
	mkfifo "$fifo"
	# Held open for reading too, so that testpmd never sees the end of its input.
	exec {fd}<>"$fifo"
	lib_fd[$name]=$fd
	lib_stdin=$fifo lib_start_eal "$name" dpdk-testpmd "${eal[@]}" -- -i --disable-link-check \
		"${mbufs[@]}" "$@"
	# The prompt arrives letter by letter, mixed with events: look for the answer to a command
	# instead.
	echo fido-mark >"$fifo"
	wait_for 60 "! is_running '$name' || grep -q 'Command not found' '$lib_dir/$name.log'" ||
		fail "$name: testpmd gave no answer within 60 s"
	is_running "$name" ||
		fail "$name: testpmd did not start: $(tail -n 5 "$lib_dir/$name.log")"
}

# An unknown command follows each command: the complaint about it marks the end of the answer.
testpmd_cmd()
{
	local name=$1 log=$lib_dir/$1.log from
	from=$(($(stat -c %s "$log") + 1))
	printf '%s\nfido-mark\n' "$2" >"$lib_dir/$name.in"
	wait_for 30 "! is_running '$name' || tail -c +$from '$log' | matches 'Command not found'" ||
		fail "$name: no answer to '$2'"
	tail -c +$from "$log" | tr -d '\r' | sed -e '1d' -e '/^testpmd> fido-mark/,$d'
}

fido_fwd()
{
	local name=$1
	shift
	lib_start_eal "$name" "$FIDO_BUILD/apps/fido-fwd/fido-fwd" "$@"
}

pktcheck()
{
	local name=$1
	shift
	lib_start_eal "$name" "$FIDO_BUILD/test/system/helpers/pktcheck" "$@"
}

# Set $lib_example to the path of one of DPDK's examples; at first use, build it by its own
# Makefile.
lib_find_example()
{
	local dir=$FIDO_BUILD/dpdk-examples/$1
	[ -e "$dir/Makefile" ] || fail "no example $1 in $FIDO_BUILD/dpdk-examples: run $FIDO_TOP/setup.sh"
	# Some programs have another name than their folder.
	lib_example=$dir/build/$(sed -n 's/^APP *= *//p' "$dir/Makefile")
	[ ! -x "$lib_example" ] || return 0
	# Of a DPDK that is installed elsewhere, its libraries are found there at run time, too.
	LDFLAGS=-Wl,-rpath,$(pkg-config --variable=libdir libdpdk) echo_run make -s -C "$dir" >"$lib_dir/make.log" 2>&1 ||
		fail "cannot build DPDK's example $1: $(tail -n 15 "$lib_dir/make.log")"
}

dpdk_example()
{
	local name=$1
	lib_find_example "$2"
	shift 2
	lib_start_eal "$name" "$lib_example" "$@"
}

# Commands on standard input, an answer to each on standard output. Debian's own Python, without
# locally installed modules, starts several times as fast.
lib_telemetry()
{
	PATH=/usr/bin:$PATH python3 -IS "$(command -v dpdk-telemetry.py)" -f "${lib_prefix[$1]}"
}

telemetry()
{
	lib_telemetry "$1" <<<"$2" | tail -n 1
}

xstat()
{
	telemetry "$1" "/ethdev/xstats,$2" | jq -r --arg key "$3" '.["/ethdev/xstats"][$key] // 0'
}

xstat_sum()
{
	local name=$1 port
	shift
	# Missing ports answer null.
	for port in {0..7}; do
		echo "/ethdev/xstats,$port"
	done | lib_telemetry "$name" | jq -s '[.[][] | select(. != null) | to_entries[]] as $all |
		$ARGS.positional[] as $re | [$all[] | select(.key | test($re)) | .value] | add // 0' \
		--args "$@"
}

# --- block volumes ---

nbdkit_plugin=$FIDO_BUILD/drivers/blk/nbdkit/nbdkit-fido-plugin.so
blk_mount=$FIDO_BUILD/apps/fido-blk-mount/fido-blk-mount
disk_device=
disk_mnt=$lib_dir/mnt
lib_mounted=

blkd()
{
	local name=$1
	shift
	start "$name" "$FIDO_BUILD/apps/fido-blkd/fido-blkd" --group "$fido_group" --domain "$name" "$@"
	wait_for 20 "! is_running '$name' || grep -q 'in group' '$lib_dir/$name.log'" ||
		fail "$name: fido-blkd does not serve after 20 s"
	is_running "$name" || fail "$name did not start: $(tail -n 5 "$lib_dir/$name.log")"
}

nbd_uri()
{
	echo "nbd+unix:///${2:-}?socket=$lib_dir/$1.sock"
}

# With -v its log ends with the volumes' counters.
nbdkit_fido()
{
	local name=$1
	shift
	[ -e "$nbdkit_plugin" ] ||
		fail "there is no $nbdkit_plugin: build it, with nbdkit-plugin-dev installed"
	rm -f "$lib_dir/$name.sock"
	start "$name" nbdkit -f -v -U "$lib_dir/$name.sock" "$nbdkit_plugin" "group=$fido_group" "$@"
	wait_for 20 "! is_running '$name' || nbdinfo --size '$(nbd_uri "$name")' >/dev/null 2>&1" ||
		fail "$name: nbdkit does not answer after 20 s"
	is_running "$name" || fail "$name did not start: $(tail -n 5 "$lib_dir/$name.log")"
}

nbd_attach()
{
	modprobe -qa fuse loop || true
	[ -e /dev/fuse ] || skip "this kernel has no fuse"
	[ -e /dev/loop-control ] || skip "this kernel has no loop devices"
	mkdir -p "$lib_dir/fuse"
	start nbdfuse nbdfuse "$lib_dir/fuse/disk" "$(nbd_uri "$@")"
	wait_for 10 "! is_running nbdfuse || [ -e '$lib_dir/fuse/disk' ]" ||
		fail "nbdfuse made no file"
	is_running nbdfuse || fail "nbdfuse did not start: $(tail -n 5 "$lib_dir/nbdfuse.log")"
	echo "+ losetup --find --show $lib_dir/fuse/disk"
	disk_device=$(losetup --find --show "$lib_dir/fuse/disk") || fail "no loop device"
	echo "$disk_device"
}

disk_mount()
{
	mkdir -p "$disk_mnt"
	echo_run mount "$disk_device" "$disk_mnt"
	lib_mounted=1
}

disk_umount()
{
	echo_run umount "$disk_mnt"
	lib_mounted=
}

nbd_detach()
{
	echo_run losetup -d "$disk_device"
	disk_device=
	echo "+ fusermount3 -u $lib_dir/fuse"
	# The device lets go of the file only when nobody has it open, such as udev.
	wait_for 10 "fusermount3 -u '$lib_dir/fuse' 2>/dev/null" || fail "cannot unmount $lib_dir/fuse"
	finish nbdfuse 20
}

mounted()
{
	grep -am 1 '^/' "$lib_dir/$1.log"
}

# With --counters its log ends with the queues' counters.
blk_mount()
{
	local name=$1 volume=$2
	shift 2
	[ -x "$blk_mount" ] || skip "fido-blk-mount was not built: it needs libfuse (apt-get install libfuse3-dev)"
	modprobe -qa fuse loop || true
	[ -e /dev/fuse ] || skip "this kernel has no fuse"
	mkdir -p "$lib_dir/$name.mnt"
	start "$name" "$blk_mount" --group "$fido_group" --domain "$name" --volume "$volume" --counters "$@" "$lib_dir/$name.mnt"
	wait_for 20 "! is_running '$name' || grep -aq '^/' '$lib_dir/$name.log'" || fail "$name: not mounted after 20 s"
	is_running "$name" || fail "$name did not start: $(tail -n 5 "$lib_dir/$name.log")"
}

# Mounts of processes that were killed.
lib_remove_mounts()
{
	local path
	while read -r path; do
		umount -l "$path"
	done < <(awk -v top="$lib_dir/" 'index($2, top) == 1 { print $2 }' /proc/mounts | sort -r)
}

# Remove devices while their servers still run.
lib_remove_devices()
{
	[ -n "$disk_device$lib_mounted" ] || [ -e "$lib_dir/fuse" ] || return 0
	[ -z "$lib_mounted" ] || umount "$disk_mnt"
	[ -z "$disk_device" ] || losetup -d "$disk_device"
	! mountpoint -q "$lib_dir/fuse" || fusermount3 -u "$lib_dir/fuse"
}

# --- network namespaces ---

netns_of()
{
	echo "$lib_id-$1"
}

netns_add()
{
	local ns=$lib_id-$1
	echo_run ip netns add "$ns"
	lib_netns[$1]=$ns
	ip -n "$ns" link set lo up
}

in_ns()
{
	local ns=$lib_id-$1
	shift
	ip netns exec "$ns" "$@"
}

# To save memory: --no-huge, and a VDEV with hugepages=off.
fwd_to_tap()
{
	local name=$1 ns=$2 address=$3 vdev=$4
	shift 4
	lib_find_driver
	lib_prefix[$name]=$lib_id-$name
	start "$name" ip netns exec "$(netns_of "$ns")" "$FIDO_BUILD/apps/fido-fwd/fido-fwd" \
		--file-prefix "${lib_prefix[$name]}" --no-pci -d "$mmnet_driver" --lcores 0@0 --no-huge -m 32 \
		--vdev=net_tap0,iface=fido0 "$vdev" -- \
		--map net_tap0:net_mmnet0,net_mmnet0:net_tap0 --rxd 256 "$@"
	wait_for 20 "in_ns $ns ip link set fido0 up 2>/dev/null" || fail "$name: no tap: $(cat "$(log_of "$name")")"
	in_ns "$ns" ip addr add "$address/24" dev fido0
}

# As fwd_to_tap(), with a vtap port, whose interface is in NETNS from the start; fido-fwd is not.
fwd_to_vtap()
{
	local name=$1 ns=$2 address=$3 vdev=$4
	shift 4
	local eal_memory=(--no-huge -m 64)
	fido_fwd "$name" --lcores 0@0 \
		"--vdev=net_vtap0,iface=fido0,netns=$(netns_of "$ns")${vtap_args:+,$vtap_args}" "$vdev" -- \
		--map net_vtap0:net_mmnet0,net_mmnet0:net_vtap0 --offload --rxd 256 "$@"
	wait_for 20 "in_ns $ns ip link set fido0 up 2>/dev/null" || fail "$name: no tap: $(cat "$(log_of "$name")")"
	# The port is started.
	wait_for 20 "in_ns $ns ip link show fido0 | matches LOWER_UP" || fail "$name: no carrier: $(cat "$(log_of "$name")")"
	in_ns "$ns" ip addr add "$address/24" dev fido0
}

# --- groups ---

own_rundir()
{
	lib_rundir=$(mktemp -d)
	export FIDO_RUNDIR=$lib_rundir
}

# --- hugepages ---

reserved_hugepages()
{
	cat $lib_huge/nr_hugepages 2>/dev/null || echo 0
}

# Run a command that may reserve hugepages; give back at exit as many as it adds and no more: others
# may add pages too.
adding_hugepages()
{
	local before status=0
	before=$(reserved_hugepages)
	"$@" || status=$?
	lib_added_hugepages=$((lib_added_hugepages + $(reserved_hugepages) - before))
	return $status
}

restore_hugepages()
{
	[ $lib_added_hugepages -le 0 ] || echo $(($(reserved_hugepages) - lib_added_hugepages)) >$lib_huge/nr_hugepages
}

free_hugepages_mb()
{
	echo $(($(cat $lib_huge/free_hugepages 2>/dev/null || echo 0) * 2))
}

need_hugepages()
{
	local want=$1 have ample
	# Leave room for arenas, which can do without, and for processes that were just killed.
	ample=$((want + 512))
	have=$(free_hugepages_mb)
	if [ "$have" -lt "$ample" ]; then
		adding_hugepages "$FIDO_TOP/setup.sh" --raise-hugepages $(($(reserved_hugepages) * 2 + ample - have)) || true
		have=$(free_hugepages_mb)
	fi
	[ "$have" -ge "$want" ] || skip "needs $want MB of free 2 MiB pages, the machine has $have"
}

# --- the end ---

lib_cleanup()
{
	local status=$? name remover
	[ "$BASHPID" = "$lib_owner" ] || return 0
	trap - EXIT
	trap '' INT TERM
	set +e
	if [ $status != 0 ] && [ $status != 77 ]; then
		for name in "${!lib_pid[@]}"; do
			printf -- '--- %s, last lines:\n' "$name"
			tail -n 15 "$lib_dir/$name.log"
		done >&2
	fi
	for name in ${lib_before_exit[@]+"${lib_before_exit[@]}"}; do
		eval "$name"
	done
	lib_remove_devices &
	remover=$!
	# It may wait for a backend that has died, until nbdkit is stopped too.
	wait_for 10 "! kill -0 $remover 2>/dev/null"
	for name in "${!lib_pid[@]}"; do
		kill -INT "${lib_pid[$name]}" 2>/dev/null
	done
	for name in "${!lib_pid[@]}"; do
		wait_for 3 "! is_running '$name'" || kill -KILL "${lib_pid[$name]}"
		lib_reap "$name"
	done
	wait $remover
	for name in "${!lib_netns[@]}"; do
		ip netns del "${lib_netns[$name]}"
	done
	for name in ${lib_at_exit[@]+"${lib_at_exit[@]}"}; do
		eval "$name"
	done
	restore_hugepages
	lib_remove_mounts
	rm -rf "/run/fido/$fido_group"
	if [ -n "$lib_rundir" ]; then
		if [ $status = 0 ] && [ -n "$(ls -A "$lib_rundir")" ]; then
			printf 'FAIL: left behind: %s\n' "$(find "$lib_rundir" -mindepth 1 | tr '\n' ' ')" >&2
			status=1
		fi
		rm -rf "$lib_rundir"
	fi
	rm -rf "$lib_dir" ${lib_driver_dir:+"$lib_driver_dir"}
	exit $status
}

trap lib_cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
