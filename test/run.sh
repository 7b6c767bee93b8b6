#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Run the tests: print a line for each and, as the last line, `N passed, N failed, N skipped`. Exit
# status 1 when a test failed or none ran.
#
# A suite NAME is a function suite_NAME (dashes as underscores) that reports each of its tests with
# `run TEST COMMAND...`, or with `passed`, `failed`, `skipped`; and a function list_NAME that prints
# the names of its tests. Add it to `suites`, or to `suites_on_demand` if it takes too long to run
# unasked.
set -eu -o pipefail

suites=(build-gcc unit stress system build-clang lint model mutants unit-asan unit-tsan xen fuzz packages vm)
# In a full run these use idle processor time while the suites from unit up to them run...
suites_beside=(build-clang lint model)
# ... and these, whose tests use one processor each, run beside the emulation of xen.
suites_beside_xen=(fuzz packages)
suites_on_demand=(soak dpdk-later)

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# Every process that a test starts carries this in its environment: none may be left at the end.
export FIDO_TEST_RUN=run-$$
# shellcheck source=test/lib.sh
. "$top/test/lib.sh"
# Scripts name what they create by an id, and record the id here.
export FIDO_TEST_IDS=$lib_dir/ids
echo "$lib_id" >"$FIDO_TEST_IDS"
build=$FIDO_BUILD
logs=$build/test-logs
jobs=${FIDO_JOBS:-$(nproc)}
n_passed=0
n_failed=0
n_skipped=0
only=()

usage()
{
	cat <<-EOF
	usage: test/run.sh [--list] [--no-setup] [--only NAME...]
	  --list          print the suites and their tests, run nothing
	  --only NAME...  run these suites (unit), tests (queue-full) or both (unit-asan/queue-full)
	  --no-setup      do not run setup.sh first
	suites: ${suites[*]}
	only when named: ${suites_on_demand[*]:-none}
	environment: FIDO_BUILD, the build folder (default: build); FIDO_JOBS, parallel compilers
	EOF
}

# --- results ---

passed()
{
	printf 'ok %s (%.1f s)\n' "$1" "$2"
	n_passed=$((n_passed + 1))
}

# TEST [LOG]: show what failed, and the end of the log.
failed()
{
	printf 'FAIL %s\n' "$1"
	n_failed=$((n_failed + 1))
	[ -n "${2:-}" ] || return 0
	# The reason may stand before other logs.
	head -n -40 "$2" | grep -E 'FAIL|\[  FAILED' | tail -n 5 | sed 's/^/    /' || true
	tail -n 40 "$2" | sed 's/^/    /'
	printf '    (all of it: %s)\n' "$2"
}

skipped()
{
	printf 'skip %s: %s\n' "$1" "$2"
	n_skipped=$((n_skipped + 1))
}

# Whether SUITE/TEST was requested.
wanted()
{
	local name
	[ ${#only[@]} -gt 0 ] || return 0
	for name in "${only[@]}"; do
		case $name in
		"${1%%/*}" | "${1#*/}" | "$1") return 0 ;;
		esac
	done
	return 1
}

# FILE: lines of `passed` and so on from another process: show and count them.
take_report()
{
	cat "$1"
	n_passed=$((n_passed + $(grep -c '^ok ' "$1" || true)))
	n_failed=$((n_failed + $(grep -c '^FAIL ' "$1" || true)))
	n_skipped=$((n_skipped + $(grep -c '^skip ' "$1" || true)))
}

# TEST COMMAND...: it passed (exit status 0), was skipped (77) or failed.
run()
{
	local name=$1 log=$logs/${1//\//-}.log start=$EPOCHREALTIME status=0
	shift
	wanted "$name" || return 0
	("$@") >"$log" 2>&1 </dev/null || status=$?
	case $status in
	0) passed "$name" "$(awk "BEGIN { print $EPOCHREALTIME - $start }")" ;;
	77) skipped "$name" "$(grep -ai skip "$log" | tail -n 1 | sed 's/^skip: //')" ;;
	124) echo "timed out" >>"$log" && failed "$name" "$log" ;;
	*) failed "$name" "$log" ;;
	esac
	return 0
}

# --- suites: builds ---

# FOLDER [MESON OPTION...]: configure it once; build everything, tests included, or only the targets
# in $build_targets.
build_in()
{
	local dir=$1
	shift
	if [ ! -e "$dir/build.ninja" ]; then
		mkdir -p "$dir"
		if [ ! -e "$build/dpdk-headers" ]; then
			set -- -Denable_driver_sdk=true "$@"
		elif [ "$dir" != "$build" ]; then
			ln -sfn "$build/dpdk-headers" "$dir/dpdk-headers"
		fi
		[ "$dir" = "$build" ] || ln -sfn "$build/fio-headers" "$dir/fio-headers"
		meson setup "$dir" "$top" -Dwerror=true -Dauto_features=enabled "$@" || return 1
	fi
	# shellcheck disable=SC2086 # several words
	ninja -C "$dir" -j"$jobs" ${build_targets:-all meson-test-prereq}
}

build_gcc()
{
	# The folder may come from setup.sh --build, which does not turn warnings into errors.
	if [ -e "$build/build.ninja" ] && ! meson introspect "$build" --buildoptions |
		jq -e 'any(.[]; .name == "werror" and .value)' >/dev/null; then
		meson configure "$build" -Dwerror=true || return 1
	fi
	build_in "$build" -Dbuildtype=release
}

list_build_gcc()
{
	echo build-gcc
}

suite_build_gcc()
{
	run build-gcc build_gcc
}

list_build_clang()
{
	echo build-clang
}

suite_build_clang()
{
	CC=clang CXX=clang++ run build-clang build_in "$build-clang" -Dbuildtype=release
}

# A build with ASan and UBSan of what the unit tests need.
asan_options=("-Db_sanitize=address,undefined" -Db_lundef=false)

build_asan()
{
	build_targets=meson-test-prereq build_in "$build-asan" -Dbuildtype=debugoptimized "${asan_options[@]}"
}

# gcc warns of each fence, which TSan does not model; the tests that need one say so.
build_tsan()
{
	build_targets=meson-test-prereq build_in "$build-tsan" -Dbuildtype=debugoptimized -Db_sanitize=thread -Db_lundef=false \
		-Dc_args=-Wno-tsan -Dpmd=disabled -Dapps=disabled
}

build_fuzz()
{
	CC=clang CXX=clang++ build_in "$build-fuzz" -Dbuildtype=debugoptimized "${asan_options[@]}" \
		-Dfuzz=true -Dpmd=disabled -Dapps=disabled -Dtests=disabled
}

# --- suites: unit tests ---

# The unit tests' names, one a line: meson knows them once a build folder is configured.
unit_tests()
{
	[ -e "$1/build.ninja" ] || return 0
	meson introspect "$1" --tests | jq -r '.[] | select(any(.suite[]; test("(^|:)unit$"))) | .name'
}

# SUITE FOLDER N: report each test in FOLDER/meson-logs/testlog.json as one of SUITE. Fewer than N
# tests are a failure: meson was stopped, or the file system of its log was full.
report_meson_log()
{
	local suite=$1 json=$2/meson-logs/testlog.json name result duration log reported=0
	while IFS=$'\t' read -r name result duration; do
		reported=$((reported + 1))
		log=$logs/$suite-$name.log
		jq -r --arg name "$name" 'select((.name | split(" / ") | last) == $name) |
			(.stdout // ""), (.stderr // "")' "$json" >"$log"
		case $result in
		OK | EXPECTEDFAIL) passed "$suite/$name" "$duration" ;;
		SKIP) skipped "$suite/$name" "$(grep -ai skip "$log" | tail -n 1 | sed 's/^skip: //')" ;;
		*)
			echo "meson: $result" >>"$log"
			failed "$suite/$name" "$log"
			;;
		esac
	done < <(jq -r '[(.name | split(" / ") | last), .result, .duration] | @tsv' "$json")
	if [ $reported != "$3" ]; then
		echo "$reported of $3 tests have a result" >>"$logs/$suite.log"
		failed "$suite" "$logs/$suite.log"
	fi
}

# SUITE FOLDER [COMMAND...]: run the wanted unit tests of the folder, under the command.
run_unit_tests()
{
	local suite=$1 dir=$2 names=() name
	shift 2
	if [ -z "$(unit_tests "$dir")" ]; then
		echo "meson knows no test of suite 'unit' in $dir: was cmocka found?" >"$logs/$suite.log"
		failed "$suite" "$logs/$suite.log"
		return 0
	fi
	for name in $(unit_tests "$dir"); do
		! wanted "$suite/$name" || names+=("$name")
	done
	[ ${#names[@]} -gt 0 ] || return 0
	rm -f "$dir/meson-logs/testlog.json"
	# Tests mostly wait, so run many at once; their limits fit a quiet machine.
	FIDO_TEST_LIMIT_MS=${FIDO_TEST_LIMIT_MS:-30000} "$@" meson test -C "$dir" --no-rebuild -t "${timeout_factor:-3}" \
		--num-processes $((3 * $(nproc))) "${names[@]}" \
		>"$logs/$suite.log" 2>&1 </dev/null || true
	if [ -s "$dir/meson-logs/testlog.json" ]; then
		report_meson_log "$suite" "$dir" ${#names[@]}
	else
		failed "$suite" "$logs/$suite.log"
	fi
}

list_unit()
{
	unit_tests "$build" | sed 's/^/unit\//'
}

suite_unit()
{
	build_gcc >"$logs/unit-build.log" 2>&1 || {
		failed unit "$logs/unit-build.log"
		return 0
	}
	run_unit_tests unit "$build"
}

# NAME COMMAND...: build with sanitizer NAME, run the unit tests under the command.
run_sanitized()
{
	local name=$1 suite=unit-$1
	shift
	if ! "build_$name" >"$logs/$suite-build.log" 2>&1; then
		failed "$suite" "$logs/$suite-build.log"
		return 0
	fi
	timeout_factor=5 run_unit_tests "$suite" "$build-$name" "$@"
}

list_unit_asan()
{
	unit_tests "$build" | sed 's/^/unit-asan\//'
}

suite_unit_asan()
{
	run_sanitized asan env ASAN_OPTIONS=detect_stack_use_after_return=1 UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
}

list_unit_tsan()
{
	unit_tests "$build" | sed 's/^/unit-tsan\//'
}

# Without address randomization: the runtime knows no mappings of a kernel with many random bits.
suite_unit_tsan()
{
	run_sanitized tsan setarch -R env TSAN_OPTIONS=halt_on_error=1
}

# --- suites: fuzzing ---

# TARGET RUNS: run the inputs found before (test/fuzz/corpus), then that many derived from them, or
# for 60 s. They are the same each time; test/soak/fuzz-long.sh goes further.
run_fuzz()
{
	local bin=$build-fuzz/test/fuzz/fuzz-$1 seeds=$top/test/fuzz/corpus/$1 new status=0
	# libFuzzer's own status for a crash, 77, is that of a skipped test.
	local options=(-seed=1 -timeout=20 -rss_limit_mb=2048 -error_exitcode=1 -artifact_prefix="$logs/fuzz-$1-")
	"$bin" -runs=0 "${options[@]}" "$seeds" || return 1
	new=$(mktemp -d "$lib_dir/fuzz.XXXXXX")
	timeout -k 15 300 "$bin" -runs="$2" -max_total_time=60 -max_len=1024 -len_control=0 "${options[@]}" "$new" "$seeds" || status=$?
	rm -rf "$new"
	return $status
}

fuzz_targets=(blk control message ring vtap vm)
fuzz_runs=(20000 8000 15000 300000 1000000 20000)

list_fuzz()
{
	printf 'fuzz/%s\n' "${fuzz_targets[@]}"
}

# I...: these targets
fuzz_some()
{
	local i
	for i in "$@"; do
		run "fuzz/${fuzz_targets[i]}" run_fuzz "${fuzz_targets[i]}" "${fuzz_runs[i]}"
	done
}

suite_fuzz()
{
	local i
	build_fuzz >"$logs/fuzz-build.log" 2>&1 || {
		failed fuzz "$logs/fuzz-build.log"
		return 0
	}
	# Each has one thread: two at a time.
	fuzz_some 0 1 >"$lib_dir/fuzz.0" 2>&1 &
	fuzz_some 2 3 4 5 >"$lib_dir/fuzz.2" 2>&1 &
	wait
	for i in 0 2; do
		take_report "$lib_dir/fuzz.$i"
	done
}

# --- suites: lint ---

c_folders()
{
	local dir
	for dir in src drivers apps; do
		[ ! -d "$top/$dir" ] || printf '%s\n' "$top/$dir"
	done
}

lint_cppcheck()
{
	local dirs
	mapfile -t dirs < <(c_folders)
	cppcheck --quiet --error-exitcode=1 --std=c11 --enable=warning,performance,portability \
		--inline-suppr -j "$jobs" -I "$top/src/include" -I "$top/src/core" -I "$top/src/local" \
		-I "$top/src/xen" \
		--suppress=missingInclude --suppress=unmatchedSuppression \
		'-DRTE_PMD_REGISTER_VDEV(a,b)=' '-DRTE_PMD_REGISTER_PARAM_STRING(a,b)=' \
		'-DRTE_LOG_REGISTER_DEFAULT(a,b)=' '-DRTE_INIT(a)=void a(void)' \
		'-Dlist_for_each_entry(p,list,member)=for (p = (void *)(list)->next; p;)' \
		'-Dlist_for_each_entry_safe(p,next,list,member)=for (p = (void *)(list)->next; p;)' "${dirs[@]}"
}

lint_shell()
{
	cd "$top"
	{
		printf '%s\0' .ci/run apps/xen/fido-group apps/completion/fido.bash debian/tests/exchange
		find . -path './build*' -prune -o -path ./.git -prune -o -name '*.sh' -print0
	} | xargs -0 -n 4 -P "$jobs" shellcheck -S warning -x
}

# Every source file names its licence near its top. Files that become part of a kernel are under the
# kernel's licence as well.
lint_spdx()
{
	local file bad=0 licence
	cd "$top"
	while IFS= read -r file; do
		licence='BSD-3-Clause'
		case $file in
		drivers/xen/fido-grant/* | src/xen/fido_grant.h | drivers/vm/fido-bell/* | src/vm/fido_bell.h)
			licence='(GPL-2.0-only OR BSD-3-Clause)'
			;;
		esac
		head -n 3 "$file" | sed 's, \*/$,,' | matches "SPDX-License-Identifier: $licence\$" || {
			echo "$file: no line 'SPDX-License-Identifier: $licence' in its first three"
			bad=1
		}
	done < <(find setup.sh .ci src drivers apps test debian -name '*.[ch178]' -o -name '*.sh' -o -name '*.bash' \
		-o -name meson.build -o -name '*.py' -o -name '*.pml' -o -path .ci/run -o -path apps/xen/fido-group \
		-o -path debian/rules -o -path debian/tests/exchange -o -name 'fido*.map')
	return $bad
}

# The tables in doc/results and the plots in doc/img match the figures of doc/results/*.json.
lint_results()
{
	python3 "$top/test/bench/report.py" --check
}

# Those that are functions here; the others are scripts in test/lint.
lint_tests=(cppcheck results shell spdx)

list_lint()
{
	printf 'lint/%s\n' "${lint_tests[@]}"
	list_scripts lint
}

suite_lint()
{
	local name
	for name in "${lint_tests[@]}"; do
		run "lint/$name" "lint_$name"
	done
	for name in $(list_scripts lint); do
		run "$name" run_script "$name" 600
	done
}

# --- suites: models ---

list_model()
{
	"$top/test/model/run.sh" list | sed 's/^/model\//'
}

suite_model()
{
	local name
	for name in $(list_model); do
		TMPDIR=$lib_dir run "$name" "$top/test/model/run.sh" "${name#model/}"
	done
}

# --- suites: mutants ---

list_mutants()
{
	"$top/test/mutants/run.sh" list | sed 's/^/mutants\//'
}

# Below each: how it was weakened, and what noticed.
suite_mutants()
{
	local name log
	mkdir -p "$lib_dir/mutants"
	for name in $(list_mutants); do
		wanted "$name" || continue
		log=$logs/${name//\//-}.log
		TMPDIR=$lib_dir run "$name" "$top/test/mutants/run.sh" "${name#mutants/}" "$lib_dir/mutants"
		! grep -q ': killed by ' "$log" || tail -n 1 "$log" | sed 's/^/    /'
	done
	rm -rf "$lib_dir/mutants"
}

# --- suites: scripts ---

# The executable test/$1/*.sh as $1/NAME.
list_scripts()
{
	local path
	for path in "$top/test/$1"/*.sh; do
		[ ! -x "$path" ] || basename "$path" .sh | sed "s/^/$1\//"
	done
}

# Run a test script with a time limit ($2 seconds), in its own folder.
run_script()
{
	local script=$top/test/$1.sh limit=$2 status=0 dir
	dir=$(mktemp -d "$lib_dir/test.XXXXXX")
	(cd "$dir" && TMPDIR=$dir timeout -k 15 "$limit" "$script") || status=$?
	rm -rf "$dir"
	return $status
}

list_system()
{
	list_scripts system
}

list_stress()
{
	list_scripts stress
}

suite_stress()
{
	local name
	for name in $(list_stress); do
		run "$name" run_script "$name" 600
	done
}

suite_system()
{
	local name
	for name in $(list_system); do
		run "$name" run_script "$name" 600
	done
}

list_packages()
{
	list_scripts packages
}

# Debian's packages, built in a folder outside the tree.
suite_packages()
{
	local name
	for name in $(list_packages); do
		run "$name" run_script "$name" 600
	done
}

# --- suites: guests in emulation ---

bed_of()
{
	echo "$top/test/system/$1/bed.sh"
}

list_xen()
{
	"$(bed_of xen)" list | sed 's/^/xen\//'
}

list_vm()
{
	"$(bed_of vm)" list | sed 's/^/vm\//'
}

# SUITE SCENARIO: it can be named without its number: xen/boot is xen/01-boot.
scenario_wanted()
{
	wanted "$1/$2" || wanted "$1/${2#[0-9][0-9]-}"
}

# SUITE: run the wanted scenarios of its bed. One that the bed does not report has failed.
run_bed()
{
	local suite=$1 bed names=() name result seconds log reported=0
	bed=$(bed_of "$suite")
	for name in $("$bed" list); do
		! scenario_wanted "$suite" "$name" || names+=("$name")
	done
	[ ${#names[@]} -gt 0 ] || return 0
	build_gcc >"$logs/$suite-build.log" 2>&1 || {
		failed "$suite" "$logs/$suite-build.log"
		return 0
	}
	while read -r result name seconds log; do
		reported=$((reported + 1))
		case $result in
		passed) passed "$suite/$name" "$seconds" ;;
		*) failed "$suite/$name" "$log" ;;
		esac
	done < <("$bed" run "${names[@]}" 2>"$logs/$suite.log" </dev/null)
	[ $reported = ${#names[@]} ] || failed "$suite" "$logs/$suite.log"
}

# All on one boot of the hypervisor.
suite_xen()
{
	run_bed xen
}

# After the suites beside xen: QEMU's guests leave them no processor time.
suite_vm()
{
	run_bed vm
}

# --- suites: later releases of DPDK ---

dpdk_versions=(24.11 25.11)

# The system tests of the drivers and the forwarder.
driver_tests()
{
	list_scripts system | grep -E '/(mmnet|vtap|fwd)-'
}

list_dpdk_later()
{
	local version name
	for version in "${dpdk_versions[@]}"; do
		for name in $(driver_tests); do
			echo "dpdk-later/$version-${name#*/}"
		done
	done
}

# VERSION PREFIX: the driver and what the tests use, built against the DPDK that is installed there
build_dpdk_later()
{
	local dir=$build-dpdk-$1
	mkdir -p "$dir"
	# Tests build some of DPDK's examples in their folders.
	[ -e "$dir/dpdk-examples" ] || cp -r "$2/share/dpdk/examples" "$dir/dpdk-examples"
	build_targets=all build_in "$dir" -Dbuildtype=release -Ddpdk_prefix="$2"
}

# NAME...: whether one of them was asked for
any_wanted()
{
	local name
	for name in "$@"; do
		! wanted "$name" || return 0
	done
	return 1
}

# VERSION: each test, with that version's programs before the others
run_on_dpdk()
{
	local version=$1 name prefix log=$logs/dpdk-later-$1.log
	prefix=$("$top/test/dpdk/build.sh" "$version" ${FIDO_DPDK_SOURCE:+"$FIDO_DPDK_SOURCE/$version"} 2>"$log") &&
		build_dpdk_later "$version" "$prefix" >>"$log" 2>&1 || {
		failed "dpdk-later/$version" "$log"
		return 0
	}
	for name in $(driver_tests); do
		FIDO_BUILD=$build-dpdk-$version PATH=$prefix/bin:$PATH PKG_CONFIG_PATH=$prefix/lib/pkgconfig \
			run "dpdk-later/$version-${name#*/}" run_script "$name" 600
	done
}

suite_dpdk_later()
{
	local version
	for version in "${dpdk_versions[@]}"; do
		# shellcheck disable=SC2046 # several names
		! any_wanted $(list_dpdk_later | grep "/$version-") || run_on_dpdk "$version"
	done
}

list_soak()
{
	list_scripts soak
}

# Hours of hostile input.
suite_soak()
{
	local name
	if ! { build_fuzz && build_asan; } >"$logs/soak-build.log" 2>&1; then
		failed soak "$logs/soak-build.log"
		return 0
	fi
	for name in $(list_soak); do
		run "$name" run_script "$name" 7200
	done
}

# --- what is left behind ---

# Print what tests create outside their folders, one item a line.
leftovers()
{
	find /dev/hugepages /run/fido /run/dpdk -mindepth 1 -maxdepth 1 2>/dev/null || true
	ip netns list 2>/dev/null | sed -E 's/^([^ ]*).*/namespace \1/'
	ip -br link show type tun 2>/dev/null | sed -E 's/^([^ @]*).*/interface \1/'
}

# /proc/PID: whether this run started it
is_of_this_run()
{
	tr '\0' '\n' 2>/dev/null <"$1/environ" | matches -x "FIDO_TEST_RUN=$FIDO_TEST_RUN"
}

# PATH or "interface NAME": whether a process that this run did not start uses it
others_use()
{
	local what=$1 process
	for process in /proc/[0-9]*; do
		! is_of_this_run "$process" || continue
		[ -z "$(find "$process/fd" \( -lname "$what" -o -lname "$what/*" \) -print -quit 2>/dev/null)" ] || return 0
		! grep -qsE " $what(/.*)?\$" "$process/maps" || return 0
		! cat "$process"/fdinfo/* 2>/dev/null | matches -xE "iff:[[:space:]]*${what#interface }" || return 0
	done
	return 1
}

# A line of leftovers: whether another user of this machine may have created it meanwhile
is_others()
{
	local name=${1##*[/ ]}
	if [[ $1 = interface* ]]; then
		# Taps of tests are called fido0, too.
		others_use "$1"
	elif [[ $name =~ ^fido[0-9]+ ]]; then
		! grep -qx "${BASH_REMATCH[0]}" "$FIDO_TEST_IDS"
	elif [[ $1 = namespace* ]]; then
		# Namespaces of tests always have such names.
		return 0
	else
		others_use "$1"
	fi
}

# Print the ids of this run's processes that have lost their parents.
orphans()
{
	local process pid parent
	for process in /proc/[0-9]*; do
		pid=${process##*/}
		is_of_this_run "$process" || continue
		parent=$pid
		while [ "$parent" -gt 1 ] && [ "$parent" != $$ ]; do
			parent=$(awk '/^PPid:/ { print $2 }' "/proc/$parent/status" 2>/dev/null || true)
			parent=${parent:-$$}
		done
		[ "$parent" = $$ ] || echo "$pid"
	done
}

nothing_left_behind()
{
	local line pid bad=0
	while read -r line; do
		! is_others "$line" || continue
		echo "left behind: $line"
		bad=1
	done < <(comm -13 <(sort "$lib_dir/before") <(leftovers | sort))
	for pid in $(orphans); do
		echo "left behind: process $pid: $(tr '\0' ' ' <"/proc/$pid/cmdline")"
		kill -KILL "$pid"
		bad=1
	done
	return $bad
}

# --- main ---

list_all()
{
	local suite
	for suite in "${suites[@]}" ${suites_on_demand[@]+"${suites_on_demand[@]}"}; do
		printf '%s\n' "$suite"
		"list_${suite//-/_}" | grep -vx "$suite" | sed 's/^/  /' || true
	done
}

# Whether any requested test is in the suite.
suite_wanted()
{
	local name
	[ ${#only[@]} -gt 0 ] || return 0
	for name in "${only[@]}"; do
		case $name in
		"$1" | "$1"/*) return 0 ;;
		*/*) ;;
		# Not a pipe: grep exits at its match, and the list would get SIGPIPE.
		*) grep -qx "$1/$name" < <("list_${1//-/_}") && return 0 ;;
		esac
	done
	return 1
}

beside_pid=
beside_dir=$lib_dir/beside

# as_idle COMMAND...: run it in the idle class, where any waking process preempts it at once
as_idle()
{
	chrt --idle --pid 0 $BASHPID || renice -n 19 $BASHPID >/dev/null || true
	"$@"
}

# begin_beside COMMAND...: run it while other suites, which wait a lot, leave processor time
begin_beside()
{
	mkdir -p "$beside_dir"
	# A process group, to be killed as one. Not a session: the scheduler would divide the
	# processors between sessions.
	set -m
	("$@") </dev/null &
	beside_pid=$!
	set +m
}

# SUITE...: write the output of each to a file
run_beside()
{
	local suite
	for suite in "$@"; do
		"suite_${suite//-/_}" >"$beside_dir/$suite" 2>&1
	done
}

# Run the suites, then build what later ones need.
beside_system()
{
	local name
	run_beside "${suites_beside[@]}"
	# A failure shows when they are needed.
	for name in asan tsan fuzz; do
		"build_$name" >"$beside_dir/build" 2>&1 || true
	done
}

# Nothing else of ours runs now. On a machine that is busy with something else, what runs beside
# would hardly go on in the idle class. A process that is being started inherits it: look again.
end_idle()
{
	local pid
	while kill -0 "$beside_pid" 2>/dev/null; do
		for pid in $(pgrep -g "$beside_pid"); do
			chrt --other --all-tasks --pid 0 "$pid" 2>/dev/null || true
			renice -n 0 "$pid" >/dev/null 2>&1 || true
		done
		sleep 2
	done
}

# SUITE: show its lines, once all that was begun is done
report_beside()
{
	local out=$beside_dir/$1
	if [ -n "$beside_pid" ]; then
		end_idle &
		wait "$beside_pid" || true
		wait $! || true
	fi
	beside_pid=
	touch "$out"
	take_report "$out"
	[ "$(grep -cE '^(ok|FAIL|skip) ' "$out")" = "$("list_${1//-/_}" | wc -l)" ] || failed "$1" "$out"
}

run_everything()
{
	local suite
	at_exit '[ -z "$beside_pid" ] || kill -KILL -- "-$beside_pid"'
	for suite in "${suites[@]}"; do
		[ "$suite" != xen ] || begin_beside run_beside "${suites_beside_xen[@]}"
		case " ${suites_beside[*]} ${suites_beside_xen[*]} " in
		*" $suite "*) report_beside "$suite" ;;
		*) "suite_${suite//-/_}" ;;
		esac
		# Not beside unit tests: some are races between threads on two processors.
		[ "$suite" != unit ] || begin_beside as_idle beside_system
	done
}

run_named()
{
	local suite
	for suite in "${suites[@]}"; do
		! suite_wanted "$suite" || "suite_${suite//-/_}"
	done
	for suite in ${suites_on_demand[@]+"${suites_on_demand[@]}"}; do
		! printf '%s\n' "${only[@]}" | matches "^$suite\(/\|$\)" || "suite_${suite//-/_}"
	done
}

want_list=0
want_setup=1
while [ $# -gt 0 ]; do
	case $1 in
	--list) want_list=1 ;;
	--no-setup) want_setup=0 ;;
	--only)
		while [ $# -gt 1 ] && [[ $2 != --* ]]; do
			only+=("$2")
			shift
		done
		[ ${#only[@]} -gt 0 ] || fail "--only needs the name of a suite or a test (see --list)"
		;;
	-h | --help)
		usage
		exit 0
		;;
	*)
		usage >&2
		fail "unknown option '$1'"
		;;
	esac
	shift
done

if [ $want_list = 1 ]; then
	list_all
	exit 0
fi
mkdir -p "$logs"
setup_options=()
! suite_wanted xen || setup_options+=(--xen)
! suite_wanted vm || setup_options+=(--vm)
! suite_wanted packages || setup_options+=(--packages)
[ $want_setup = 0 ] || adding_hugepages "$top/setup.sh" ${setup_options[@]+"${setup_options[@]}"}
leftovers >"$lib_dir/before"
# Names of unit tests are known once the build folder is configured.
[ ${#only[@]} = 0 ] || build_gcc >"$logs/build.log" 2>&1 || true
if [ ${#only[@]} = 0 ]; then
	run_everything
else
	run_named
fi
n_run=$((n_passed + n_failed))
[ ${#only[@]} -gt 0 ] && [ $((n_run + n_skipped)) = 0 ] &&
	echo "no test is named ${only[*]}: see test/run.sh --list" >&2
# This test cannot be selected: it belongs to every run.
only=()
run nothing-left-behind nothing_left_behind
printf '%d passed, %d failed, %d skipped\n' $n_passed $n_failed $n_skipped
[ $n_failed = 0 ] && [ $n_run -gt 0 ]
