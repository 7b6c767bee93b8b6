#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Mutants: weaken each labelled ordering of src/ (R2, A2, F4, ...); a test or a model must notice.
#
#   run.sh list             list the tests
#   run.sh TEST [FOLDER]    pass when the mutant is killed; `complete`: when every label has a
#                           mutant; `unchanged`: when the same tests, built the same way, pass
#                           without a mutant. FOLDER keeps the built files for the next mutant
#
# On x86 a relaxed access is the same instruction as a release or an acquire, so no run of the
# program tells them apart. ThreadSanitizer does, since it knows what the source promises, but it
# does not model fences. Fence mutants are killed by a test that hits the lost wake-up, or by a Spin
# model that leaves out the ordering.
set -eu -o pipefail

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
cross=wakeup-when-arming-and-posting-cross

# NAME|FILE|TEXT, exactly once in it|REPLACEMENT|DESCRIPTION|KILLERS. A killer is
#   tsan:TEST     the unit test, under ThreadSanitizer, finds a data race
#   native:TEST   the unit test loses a wake-up, or reads a message before it was posted
#   model:TEST    Spin finds an error when the model leaves the ordering out
# If one depends on chance or on the machine, another follows that does not.
mutants()
{
	cat <<-EOF
	R1|core/map.c|__ATOMIC_RELEASE|__ATOMIC_RELAXED|release becomes relaxed|tsan:map-bit-seen-after-mapping
	A1|include/fido/gaddr.h|fido_load_acquire(&map->granules|fido_load_relaxed(&map->granules|acquire becomes relaxed|tsan:map-bit-seen-after-mapping
	R2|include/fido/sender.h|fido_store_release(&s->desc[|fido_store_relaxed(&s->desc[|release becomes relaxed|tsan:queue-two-threads model:ring-broken-no-r2
	A2|include/fido/receiver.h|fido_load_acquire(&shm->w1)}|fido_load_relaxed(&shm->w1)}|acquire becomes relaxed|tsan:queue-two-threads model:ring-broken-no-a2
	R3|include/fido/receiver.h|fido_store_release(&c->comp[|fido_store_relaxed(&c->comp[|release becomes relaxed|tsan:queue-two-threads model:ring-broken-no-r3
	A3|include/fido/sender.h|fido_load_acquire(&s->comp[|fido_load_relaxed(&s->comp[|acquire becomes relaxed|tsan:queue-two-threads
	F4|include/fido/sleeper.h|fido_fence_seq_cst();|(void)0;|fence removed|native:$cross model:sleep-broken-no-f4
	F4-release|include/fido/sleeper.h|fido_fence_seq_cst();|__atomic_thread_fence(__ATOMIC_RELEASE);|full fence becomes a release fence|native:$cross model:sleep-broken-no-f4
	F5-receiver|core/rxq.c|fido_sleeper_fence();|(void)0;|fence removed|native:$cross model:sleep-broken-no-f5
	F5-sender|core/txq.c|fido_sleeper_fence();|(void)0;|fence removed|native:$cross model:sleep-broken-no-f5
	F5-release|core/sleeper.c|fido_fence_seq_cst();|__atomic_thread_fence(__ATOMIC_RELEASE);|full fence becomes a release fence|native:$cross model:sleep-broken-no-f5
	R6|core/seqlock.h|__atomic_thread_fence(__ATOMIC_RELEASE);|(void)0;|fence removed|model:record-broken-no-r6
	A6|core/seqlock.h|__atomic_thread_fence(__ATOMIC_ACQUIRE);|(void)0;|fence removed|model:record-broken-no-a6
	R7|core/seqlock.h|fido_store_release(seq|fido_store_relaxed(seq|release becomes relaxed|model:record-broken-no-r7
	A7|core/seqlock.h|fido_load_acquire(seq)|fido_load_relaxed(seq)|acquire becomes relaxed|model:record-broken-no-a7
	R8|core/domain.c|fido_store_release(&c->magic|fido_store_relaxed(&c->magic|release becomes relaxed|tsan:control-block-whole-when-believed
	A8|core/control.c|fido_load_acquire(&c->magic)|fido_load_relaxed(&c->magic)|acquire becomes relaxed|tsan:control-block-whole-when-believed
	R10|core/held.c|fido_store_release(&m->newest|fido_store_relaxed(&m->newest|release becomes relaxed|tsan:recall-after-last-read
	A10|core/held.c|newest = fido_load_acquire(&m->newest)|newest = fido_load_relaxed(&m->newest)|acquire becomes relaxed|tsan:recall-after-last-read
	R11|core/held.c|fido_store_release(&m->ended|fido_store_relaxed(&m->ended|release becomes relaxed|model:ended-broken-no-r11
	A11|core/held.c|fido_load_acquire(&m->ended)|fido_load_relaxed(&m->ended)|acquire becomes relaxed|model:ended-broken-no-a11
	R12|core/sigbus.c|fido_store_release(&table[i].len, len)|fido_store_relaxed(&table[i].len, len)|release becomes relaxed|model:range-broken-no-r12
	A12|core/sigbus.c|fido_load_acquire(&table[i].len)|fido_load_relaxed(&table[i].len)|acquire becomes relaxed|model:range-broken-no-a12
	R15|core/sigbus.c|fido_store_release(&table[i].base|fido_store_relaxed(&table[i].base|release becomes relaxed|model:range-broken-no-r15
	A15|core/sigbus.c|fido_load_acquire(&table[i].base)|fido_load_relaxed(&table[i].base)|acquire becomes relaxed|model:range-broken-no-a15
	R16|xen/xen_table.c|fido_store_release(named, ref)|fido_store_relaxed(named, ref)|release becomes relaxed|model:ended-broken-no-r11
	A16|xen/xen_view.c|fido_load_acquire(named)|fido_load_relaxed(named)|acquire becomes relaxed|model:ended-broken-no-a11
	R19|xen/xen_session.c|fido_store_release(&root->epoch,|fido_store_relaxed(&root->epoch,|release becomes relaxed|model:ended-broken-no-r11
	A19|xen/xen_session.c|fido_load_acquire(&fido_xen_view_root(s->view)->epoch)|fido_load_relaxed(&fido_xen_view_root(s->view)->epoch)|acquire becomes relaxed|model:ended-broken-no-a11
	R20|../drivers/blk/store/store_mem.c|1, __ATOMIC_RELEASE) == ORPHAN|1, __ATOMIC_RELAXED) == ORPHAN|release becomes relaxed|tsan:blk-mem-store-orderings
	A20|../drivers/blk/store/store_mem.c|CLAIMED, false, __ATOMIC_ACQUIRE|CLAIMED, false, __ATOMIC_RELAXED|acquire becomes relaxed|tsan:blk-mem-store-orderings
	R21|../drivers/blk/store/store_mem.c|~CLAIMED, __ATOMIC_RELEASE|~CLAIMED, __ATOMIC_RELAXED|release becomes relaxed|tsan:blk-mem-store-orderings
	A21|../drivers/blk/store/store_mem.c|1, __ATOMIC_ACQUIRE);|1, __ATOMIC_RELAXED);|acquire becomes relaxed|tsan:blk-mem-store-orderings
	R22|vm/vm_own.c|fido_store_release(&root->magic|fido_store_relaxed(&root->magic|release becomes relaxed|model:ended-broken-no-r11
	A22|vm/vm_session.c|fido_load_acquire(&s->root->magic)|fido_load_relaxed(&s->root->magic)|acquire becomes relaxed|model:ended-broken-no-a11
	clock-after|include/fido/clock.h|__builtin_ia32_rdtscp(&processor)|__builtin_ia32_rdtsc() + 0 * (processor = 0)|rdtscp becomes rdtsc|native:clock-posted-before-read model:recall-broken-time-before-reading
	EOF
}

# R6, R7, R11, R12, R15, R16, R19, R22 and their partners are killed by a model only, not by a run on
# x86, which keeps loads, and stores, in order. ThreadSanitizer does not see them either: they order
# atomic accesses, which never race. clock-after is killed by chance, 10 in a million reads, and by
# a model.

# The wait in sleeper.c is not killed. Its window is a few instructions, once in a thread's life;
# model:sleep-broken-begins-at-once stands for it.

fail()
{
	echo "FAIL: $*" >&2
	exit 1
}

# --- building ---

# FLAVOUR SOURCES OBJECTS FILE...: compile files with the headers of SOURCES into the folder
# OBJECTS.
compile()
{
	local flavour=$1 src=$2 out=$3 flags=(-O2)
	shift 3
	# gcc warns of each fence, which ThreadSanitizer does not model.
	[ "$flavour" = native ] || flags=(-O1 -g -fsanitize=thread -Wno-tsan)
	mkdir -p "$out"
	printf '%s\n' "$@" | xargs -P "${FIDO_JOBS:-$(nproc)}" -I '{}' sh -c 'out=$1 file=$2
		shift 2
		exec gcc "$@" -c -o "$out/$(basename "$file" .c).o" "$file"' \
		sh "$out" '{}' -std=gnu11 -D_GNU_SOURCE -I "$src/include" -I "$src/core" -I "$src/local" \
		-I "$src/host" -I "$src/vm" -I "$src/xen" -I "$src/../drivers/blk/include" -I "$src/../drivers/blk/common" \
		-I "$src/../drivers/blk/store" "${flags[@]}"
}

# Set files to the library's sources in folder $1, without Xen: no run needs that transport.
library_files()
{
	files=()
	files=("$1"/{core,host,local,vm}/*.c "$1/xen/transport_xen_absent.c")
}

# Build the library without a mutant, and what the tests share: once for each flavour.
base()
{
	local flavour=$1 files
	[ ! -e "$work/$flavour/lib.a" ] || return 0
	library_files "$top/src"
	compile "$flavour" "$top/src" "$work/$flavour" "${files[@]}" "$top"/test/unit/{test,fixture,remote}.c
	ar rcs "$work/$flavour/lib.a" "$work/$flavour"/*.o
}

# FLAVOUR TEST SOURCES FILE: build program $work/TEST, with FILE of SOURCES compiled anew; a header:
# all files.
program()
{
	local flavour=$1 name=$2 src=$3 file=$4 out=$work/mutant flags=() files
	base "$flavour"
	rm -rf "$out"
	library_files "$src"
	case $file in
	*.c) compile "$flavour" "$src" "$out" "$src/$file" ;;
	*.h) compile "$flavour" "$src" "$out" "${files[@]}" ;;
	*) mkdir "$out" ;;
	esac
	cp "$work/$flavour/lib.a" "$out/lib.a"
	[ -z "$file" ] || ar r "$out/lib.a" "$out"/*.o
	compile "$flavour" "$src" "$out/test" "$top/test/unit/$name.c"
	[ "$flavour" = native ] || flags=(-fsanitize=thread)
	gcc ${flags[@]+"${flags[@]}"} -o "$work/$name" "$out/test/$name.o" "$out/lib.a" -lcmocka -lpthread
}

# --- killing ---

sign=

# KIND TEST SOURCES FILE: run the test up to 5 times. @return 0: it showed the sign of a mutant; 1:
# it passed; 2: it failed otherwise.
unit_test()
{
	local kind=$1 name=$2 flavour=native try status env=() log=$work/log
	sign='asleep for ever\|before it was posted'
	case $kind in
	tsan)
		flavour=tsan
		sign='ThreadSanitizer: data race'
		# Run to the end, so that the test removes its folder. The runtime knows no mappings
		# of a kernel with many random bits.
		env=(setarch -R env TSAN_OPTIONS=halt_on_error=0)
		;;
	esac
	program "$flavour" "$name" "$3" "$4" || fail "cannot build $name"
	for ((try = 0; try < 5; try++)); do
		status=0
		timeout -k 5 60 ${env[@]+"${env[@]}"} "$work/$name" >"$log" 2>&1 || status=$?
		if grep -q "$sign" "$log"; then
			grep -m 1 -A 8 "$sign" "$log"
			return 0
		fi
		# Without a mutant one run is enough; a mutant may need several.
		[ -n "$4" ] || [ $status != 0 ] || return 1
	done
	[ $status != 0 ] || return 1
	tail -n 20 "$log"
	return 2
}

# Copy src/ to $work/src and replace the text in FILE.
mutate()
{
	local file=$work/src/$1 text=$2 becomes=$3 count content
	rm -rf "$work/src" "$work/drivers"
	mkdir "$work/drivers"
	cp -r "$top/src" "$work/src"
	cp -r "$top/drivers/blk" "$work/drivers/blk"
	count=$(grep -oF -- "$text" "$file" | wc -l)
	[ "$count" = 1 ] || fail "src/$1 has '$text' $count times, not once: update the list in test/mutants/run.sh"
	content=$(<"$file")
	printf '%s\n' "${content/"$text"/"$becomes"}" >"$file"
	diff -u "$top/src/$1" "$file" || true
}

kill_mutant()
{
	local name=$1 file=$2 text=$3 becomes=$4 words=$5 killer status
	mutate "$file" "$text" "$becomes"
	for killer in $6; do
		status=0
		case $killer in
		model:*) "$top/test/model/run.sh" "${killer#*:}" || status=1 ;;
		*) unit_test "${killer%%:*}" "${killer#*:}" "$work/src" "$file" || status=$? ;;
		esac
		if [ $status = 0 ]; then
			printf '%s: %s: %s: killed by %s\n' "$name" "src/$file" "$words" "$killer"
			return 0
		fi
	done
	fail "$name: src/$file: $words: survives ${6// /, }"
}

# --- the tests that are not mutants ---

unchanged()
{
	local killer status bad=0
	for killer in $(mutants | cut -d '|' -f 6 | tr ' ' '\n' | grep -v '^model:' | sort -u); do
		status=0
		unit_test "${killer%%:*}" "${killer#*:}" "$top/src" "" || status=$?
		echo "$killer: $status"
		[ $status = 1 ] || bad=1
	done
	return $bad
}

# Every label of the source and of doc/memory-model.md has a mutant.
complete()
{
	local label bad=0
	for label in $( (grep -rhoE '\b[A-Z][0-9]+: pairs with [A-Z][0-9]+' "$top/src" "$top/drivers/blk" |
		grep -oE '\b[A-Z][0-9]+' &&
		grep -oE '^\| [A-Z][0-9]+(, [A-Z][0-9]+)*' "$top/doc/memory-model.md" |
		grep -oE '[A-Z][0-9]+') | sort -u); do
		# Not a pipe: grep exits at its match, and the writer would get SIGPIPE.
		grep -qE "^$label(-|\$)" < <(mutants | cut -d '|' -f 1) || {
			echo "FAIL: no mutant of $label"
			bad=1
		}
	done
	return $bad
}

case ${1:-} in
list)
	echo complete
	echo unchanged
	mutants | cut -d '|' -f 1
	exit 0
	;;
complete)
	complete
	exit
	;;
esac
IFS='|' read -r name file text becomes words killers < <(mutants | awk -F '|' -v name="${1:-}" '$1 == name') ||
	[ "${1:-}" = unchanged ] || {
	echo "usage: test/mutants/run.sh list | TEST [FOLDER]" >&2
	exit 2
}
work=${2:-}
if [ -z "$work" ]; then
	work=$(mktemp -d)
	trap 'rm -rf "$work"' EXIT
fi
if [ "$1" = unchanged ]; then
	unchanged
else
	kill_mutant "$name" "$file" "$text" "$becomes" "$words" "$killers"
fi
