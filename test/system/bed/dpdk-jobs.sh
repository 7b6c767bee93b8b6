# shellcheck shell=dash
# SPDX-License-Identifier: BSD-3-Clause
# Helpers for the scenarios with DPDK in guests, of both beds: for dom0's shell and for bash. The
# bed's dpdk.sh sources it, and provides:
#
#   on, bg, say, quoted, fail, wait_for, expect_ge
#   all_met DOMAINS          whether that many domains have all met each other, if it can tell
#                            without costing them time
#   $transport               xen or vm; with $group, the group's name: $transport:$group
#   $eal_mib                 MiB of memory for EAL
#   $dev_options             what every mmnet port has, with a comma before it
#   $fido_ctl, $ctl_dir      the program, which observes from where the scenario runs, and a folder
#                            for what it prints
#
# Then there are:
#
#   dev DOMAIN PEER PORT [ARG]       the --vdev option of mmnet port PORT; rx=zero, or ARG
#   testpmd GUEST JOB EAL... -- APP...
#                                    an interactive testpmd that does not forward yet
#   testpmd_cmd GUEST JOB COMMAND...
#   fwd GUEST JOB EAL... -- APP...   fido-fwd
#   connected DOMAINS LINKS          that many domains have mapped each other, and that many links
#                                    are up, or fail
#   counters [INTERVAL]              read all domains' queue counters, for total_of and rate_of
#   total_of DOMAIN PEER DIRECTION KEY...
#                                    the sum of the last counters; each of the first three can be
#                                    "any"
#   rate_of DOMAIN PEER DIRECTION KEY...
#                                    the same, for the interval
#   doorbells_ok PACKETS DOORBELLS WHAT
#                                    print them; fail unless they are under 0.01 a packet
# shellcheck disable=SC2154

# One processor has two lcores: testpmd's main one waits for commands.
eal="--lcores 0@0,1@0 --no-huge -m $eal_mib --no-pci --no-telemetry"
eal_fwd="--lcores 0@0 --no-huge -m $eal_mib --no-pci --no-telemetry"
# Rings that their share of the memory can hold.
fwd_options="--mbufs 2048 --on-down hold --json --stats-period 0"

dev()
{
	echo "--vdev=net_mmnet$3,group=$transport:$group,domain=$1,peer=$2,hugepages=off,${4:-rx=zero}$dev_options"
}

# The pipe is open for reading and writing, so that testpmd never sees the end of its input. Without
# --no-flush-rx testpmd discards what a port has received before the start: all of a pcap file.
# Locked in memory, the untouched parts of its mappings would use up a guest of 256 MB.
testpmd()
{
	local guest=$1 job=$2
	shift 2
	bg "$guest" "$job" "rm -f /run/$job.in && mkfifo /run/$job.in && exec 3<>/run/$job.in &&
		exec dpdk-testpmd $eal $* -i --no-mlockall --disable-link-check --no-flush-rx --total-num-mbufs=4096 <&3"
}

testpmd_cmd()
{
	local guest=$1 pipe=/run/$2.in commands='' command
	shift 2
	for command in "$@"; do
		commands="$commands $(quoted "$command")"
	done
	on "$guest" "printf '%s\n'$commands >$pipe"
}

fwd()
{
	local guest=$1 job=$2
	shift 2
	bg "$guest" "$job" "exec fido-fwd $eal_fwd $* $fwd_options"
}

ctl()
{
	"$fido_ctl" "$@" --group "$transport:$group" --json 2>"$ctl_dir/ctl.err"
}

# Each of that many domains has mapped what each other one exports now.
all_mapped()
{
	ctl list | jq -e --argjson n "$1" '[.domains[] | select(.state == "alive")] as $all | ($all | length) == $n and
		all($all[]; . as $me | all($all[]; . as $other | $me == $other or
			any($me.mapped[]; .generation == $other.generation and .epoch == $other.epoch)))' >/dev/null
}

all_up()
{
	ctl links | jq -e --argjson n "$1" '[.links[] | select(.state == "connected")] | length == 2 * $n' >/dev/null
}

# First all_met(), since fido-ctl's observations cost them time.
connected()
{
	wait_for 60 "all_met $1" && wait_for 60 "all_up $2 && all_mapped $1" ||
		fail "not all of $1 domains and $2 links are there: $(
			cat "$ctl_dir/ctl.err"
			"$fido_ctl" list --group "$transport:$group" 2>&1
			"$fido_ctl" links --group "$transport:$group" 2>&1
		)"
}

# Print a line for each number, so that jq, which starts slowly, runs once.
counters()
{
	ctl stats ${1:+--interval "$1"} >"$ctl_dir/ctl.json" || fail "fido-ctl stats: $(cat "$ctl_dir/ctl.err")"
	jq -r '.queues[] | . as $q | ("total", "per_second") as $set | .[$set] // {} | to_entries[] |
		"\($set) \($q.domain) \($q.peer) \($q.direction) \(.key) \(.value)"' "$ctl_dir/ctl.json" >"$ctl_dir/ctl.stats"
}

# SET DOMAIN PEER DIRECTION KEY...
sum_of()
{
	local words="$1 $2 $3 $4"
	shift 4
	awk -v "words=$words" -v "keys= $* " 'BEGIN { split(words, want) }
		function is(i) { return want[i] == "any" || $i == want[i] }
		is(1) && is(2) && is(3) && is(4) && index(keys, " " $5 " ") { sum += $6 }
		END { printf "%d\n", sum }' "$ctl_dir/ctl.stats"
}

total_of()
{
	sum_of total "$@"
}

rate_of()
{
	sum_of per_second "$@"
}

doorbells_ok()
{
	say "$3: $1 packets, $2 doorbells, $(echo "$2 $1" | awk '{ printf "%.5f", $1 / $2 }') a packet"
	expect_ge "$1" $((100 * $2 + 1)) "$3: too many doorbells"
}
