#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Check the Spin models of this folder, test/model/*.pml.
#
#   run.sh list      list the tests: MODEL, MODEL-VARIANT, MODEL-broken-VARIANT
#   run.sh TEST      pass when the model holds; for a broken one, when Spin finds an error in it
#
# The first comment of a model lists its tests, one a line:
#    * right [VARIANT]: [-DNAME...] [-O2] -- what is special about it
#    * broken VARIANT: -DNAME... [-O2] -- what is wrong with it
# -O2 is for gcc, where the search takes longer than the compiler. Builds in a temporary folder.
set -eu -o pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

# List the tests as NAME FILE right|broken DEFINES, separated by tabs.
tests()
{
	local file
	for file in "$here"/*.pml; do
		awk -v model="$(basename "$file" .pml)" -v file="$file" '
			/^ \* (right|broken)[a-z0-9 -]*: / {
				kind = $2
				variant = $3
				sub(/:.*/, "", kind)
				sub(/:.*/, "", variant)
				if ($2 ~ /:$/)
					variant = ""
				defines = $0
				sub(/^[^:]*: */, "", defines)
				sub(/ *--.*/, "", defines)
				name = model (kind == "broken" ? "-broken" : "") (variant != "" ? "-" variant : "")
				printf "%s\t%s\t%s\t%s\n", name, file, kind, defines
			}' "$file"
	done
}

# FILE KIND DEFINES: check it in the current folder.
check()
{
	local file=$1 kind=$2 option defines=() optimize=-O0
	for option in $3; do
		case $option in
		-O*) optimize=$option ;;
		*) defines+=("$option") ;;
		esac
	done
	spin -a ${defines[@]+"${defines[@]}"} "$file"
	gcc -w $optimize -DSAFETY -DMEMLIM=2048 -o pan pan.c
	timeout -k 5 120 ./pan -m1500000 | tee out
	if [ "$kind" = broken ]; then
		grep -q 'assertion violated\|invalid end state' out || {
			echo "FAIL: Spin finds no error in a model that is broken on purpose"
			return 1
		}
		return 0
	fi
	# The search must have been complete, too.
	if ! grep -q 'errors: 0' out || grep -q 'search depth too small\|not completed\|out of memory' out; then
		spin -t -p -g ${defines[@]+"${defines[@]}"} "$file" | tail -n 60
		return 1
	fi
	# A step that is never taken proves nothing. (Endless loops never reach theirs.)
	if grep ', state [0-9]*, "' out | grep -v '"-end-"'; then
		echo "FAIL: the model has steps that are never taken"
		return 1
	fi
}

if [ "${1:-}" = list ]; then
	tests | cut -f 1
	exit 0
fi
IFS=$'\t' read -r _ file kind defines < <(tests | awk -F '\t' -v name="${1:-}" '$1 == name') || {
	echo "usage: test/model/run.sh list | TEST" >&2
	exit 2
}
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
check "$file" "$kind" "$defines"
