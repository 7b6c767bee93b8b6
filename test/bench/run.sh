#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Runs the benchmarks: a table on the terminal; JSON, CSV and SVG in the build folder's bench/.
# Exit status 0 when every benchmark gave figures, whatever they are.
#
# A set NAME is a program NAME.py beside this file: it takes --quick, --runs N, --cpus A,B, --list,
# --out FOLDER and names of cases, and writes FOLDER/NAME.json. Add it to `sets`.
set -eu -o pipefail

sets=(net wake chains latency idle shapes instructions blk micro)

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
here=$top/test/bench

usage()
{
	cat <<-EOF
	usage: sudo test/bench/run.sh [--quick | --smoke] [--runs N] [--append] [--report] [--cpus A,B]
	                              [--out DIR] [--list] [--no-setup] [NAME...]
	  NAME        a set (${sets[*]}) or cases of it: net/rate, net/hop/mmnet-zero, 'net/*/*/64';
	              all sets when there is none
	  --quick     3 rounds of the most telling cases, less than 4 minutes for each set
	  --runs N    N rounds instead of 7 (3 with --quick)
	  --smoke     one round, too short for figures: do the cases run?
	  --append    add the rounds to those that the result files have already
	  --report    also write the tables to doc/results and redraw the plots in doc/img
	  --out DIR   write there instead of into bench/ of the build folder
	  --cpus A,B  run on these two CPUs (default 0,1): two cores that share a cache, and not two
	              threads of one core
	  --list      print the cases, run nothing
	  --no-setup  do not run setup.sh first: the build folder is ready
	environment: FIDO_BUILD, the build folder (default: build)
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

# In the background, so that a signal to this script ends it at once; lib.sh looks after it then.
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
export FIDO_DRIVER=$mmnet_driver FIDO_GROUP=$fido_group FIDO_BENCH_WORK=$lib_dir/work
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
