#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Run the benchmarks: print tables; write JSON, CSV and SVG to bench/ in the build folder.
# Exit status 0 when each case gave figures, whatever they are.
#
# A set NAME is a program NAME.py beside this file. It takes --quick, --smoke, --runs N, --append,
# --cpus A,B, --list, --out FOLDER and names of cases, and writes FOLDER/NAME.json. `sets` names it.
set -eu -o pipefail

sets=(net wake chains latency idle shapes instructions kernel blk micro)

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
here=$top/test/bench

usage()
{
	cat <<-EOF
	usage: sudo test/bench/run.sh [--quick | --smoke] [--runs N] [--append] [--report] [--cpus A,B]
	                              [--out DIR] [--list] [--no-setup] [NAME...]

	Measure Fido and its peers in alternating rounds, and print tables. See test/bench/README.md.
	  NAME        a set (${sets[*]}),
	              or cases of a set: net/rate, net/hop/mmnet-zero, 'net/*/*/64' (default: all sets)
	  --quick     measure 3 rounds of the most telling cases, in less than 4 minutes for each set
	  --runs N    measure N rounds instead of 7 (3 with --quick)
	  --smoke     measure one round that is too short for figures, to check that the cases run
	  --append    add the rounds to those in the result files
	  --report    also write the tables to doc/results and redraw the plots in doc/img
	  --out DIR   write the results to DIR (default: bench/ in the build folder)
	  --cpus A,B  run on these two CPUs (default: 0,1). Choose two cores that share a cache, not two
	              threads of one core
	  --list      list the cases and exit
	  --no-setup  use the build folder as it is; do not run setup.sh first
	environment:
	  FIDO_BUILD  the build folder (default: build)
	EOF
}

want_setup=1
want_list=0
want_report=0
out=
options=()
names=()
while [ $# -gt 0 ]; do
	case $1 in
	--quick | --smoke | --append) options+=("$1") ;;
	--report) want_report=1 ;;
	--out)
		[ -n "${2:-}" ] || {
			echo "bench: --out needs a folder" >&2
			exit 2
		}
		out=$(realpath -m -- "$2")
		shift
		;;
	--runs)
		[[ ${2:-} =~ ^[1-9][0-9]*$ ]] || {
			echo "bench: --runs needs a number, 1 or more" >&2
			exit 2
		}
		options+=("$1" "$2")
		shift
		;;
	--cpus)
		[[ ${2:-} =~ ^[0-9]+,[0-9]+$ ]] || {
			echo "bench: --cpus needs two CPU numbers, as in 2,3" >&2
			exit 2
		}
		options+=("$1" "$2")
		shift
		;;
	--list) want_list=1 ;;
	--no-setup) want_setup=0 ;;
	-h | --help)
		usage
		exit 0
		;;
	-*)
		usage >&2
		echo "bench: unknown option '$1'" >&2
		exit 2
		;;
	*) names+=("$1") ;;
	esac
	shift
done
[ ${#names[@]} -gt 0 ] || names=("${sets[@]}")
for name in "${names[@]}"; do
	[[ " ${sets[*]} " == *" ${name%%/*} "* ]] || {
		echo "bench: no set is named '${name%%/*}': there is ${sets[*]}" >&2
		exit 2
	}
done

export PYTHONDONTWRITEBYTECODE=1
if [ $want_list = 1 ]; then
	for set in "${sets[@]}"; do
		python3 "$here/$set.py" --list
	done
	exit 0
fi
[ "$(id -u)" = 0 ] || {
	echo "bench: needs root for hugepages. Run: sudo $0" >&2
	exit 1
}
[ "$(nproc)" -ge 2 ] || {
	echo "bench: needs two CPUs, one for each side; this machine lets it use $(nproc)" >&2
	exit 1
}

# shellcheck source=test/lib.sh
. "$top/test/lib.sh"

# Run a set in the background, so that a signal ends this script at once; lib.sh then stops the set.
run_set()
{
	local set=$1 name cases=() status=0
	for name in "${names[@]}"; do
		case $name in
		"$set") cases=() && break ;;
		"$set"/*) cases+=("${name#*/}") ;;
		esac
	done
	: >"$(log_of "$set")"
	env --default-signal=INT,QUIT python3 "$here/$set.py" --out "$out" \
		${options[@]+"${options[@]}"} ${cases[@]+"${cases[@]}"} &
	lib_pid[$set]=$!
	wait "${lib_pid[$set]}" || status=$?
	unset "lib_pid[$set]"
	return $status
}

[ $want_setup = 0 ] || adding_hugepages "$top/setup.sh" --build >"$lib_dir/setup.log" 2>&1 || {
	tail -n 30 "$lib_dir/setup.log" >&2
	fail "set-up failed"
}
need_hugepages 1024
lib_find_driver
out=${out:-$FIDO_BUILD/bench}
mkdir -p "$out" "$lib_dir/work"
export FIDO_DRIVER=$mmnet_driver FIDO_VTAP_DRIVER=$vtap_driver FIDO_GROUP=$fido_group FIDO_BENCH_WORK=$lib_dir/work
failed=0
for set in "${sets[@]}"; do
	! printf '%s\n' "${names[@]}" | matches "^$set\(/\|$\)" || run_set "$set" || failed=1
done
if [ $want_report = 1 ]; then
	results=()
	for set in "${sets[@]}"; do
		! printf '%s\n' "${names[@]}" | matches "^$set\(/\|$\)" || [ ! -e "$out/$set.json" ] ||
			results+=("$out/$set.json")
	done
	python3 "$here/report.py" "${results[@]}"
fi
exit $failed
