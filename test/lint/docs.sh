#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Proves: the documentation is true where a script can tell. Doxygen builds it without a warning;
# its C examples compile; each file that it names is there; its drawings are what their scripts
# draw; prose is wrapped at 100 columns.
set -eu -o pipefail

# shellcheck source=test/lib.sh
. "$(dirname "$0")/../lib.sh"
cd "$FIDO_TOP"
mapfile -t pages < <(find ./*.md doc test/bench -name '*.md' | sed 's,^\./,,' | sort)
expect_ge ${#pages[@]} 15 "pages were found"
bad=0

# Tables, code and lines with links may be longer.
prose_is_wrapped()
{
	! LC_ALL=C.UTF-8 awk '
		FNR == 1 { code = 0 }
		/^[[:space:]]*```/ { code = !code }
		!code && !/^[[:space:]]*\|/ && !/\]\(/ && !/<http/ && length($0) > 100 {
			print FILENAME ":" FNR ": " length($0) " columns"
			found = 1
		}
		END { exit !found }' "${pages[@]}"
}

# Links to files, and paths from the top of the tree that stand between backquotes.
named_files_exist()
{
	local page target missing=0 path='`(src|drivers|apps|test|doc|debian)/[A-Za-z0-9_./*-]+`'
	for page in "${pages[@]}"; do
		while read -r target; do
			target=${target%%#*}
			[ -z "$target" ] || [ -e "$(dirname "$page")/$target" ] || {
				echo "$page links to $target, which is not there"
				missing=1
			}
		done < <(grep -oE '\]\([^): ]+\)' "$page" | sed -E 's/^\]\(//; s/\)$//')
		while read -r target; do
			# NAME, SET and the like stand for any name.
			[[ $target =~ [/_-][A-Z]{2,}([/._-]|$) && ! -e $target ]] ||
				[ -n "$(compgen -G "$target")" ] || {
				echo "$page names $target, which is not there"
				missing=1
			}
		done < <(sed '/^```/,/^```/d' "$page" | grep -oE "$path" | tr -d '`')
	done
	return $missing
}

# Each block that is marked as C is a file that compiles.
examples_compile()
{
	local page file failed=0 n=0
	local flags=(-std=gnu11 -D_GNU_SOURCE -Wall -Wextra -Werror
		-Isrc/include -Idrivers/blk/include -Idrivers/net/mmnet_pmd)
	# shellcheck disable=SC2207 # several words
	! pkg-config --exists libdpdk ||
		flags+=($(pkg-config --cflags libdpdk | sed 's/-I/-isystem /g'))
	for page in "${pages[@]}"; do
		n=$((n + 1))
		awk -v out="$lib_dir/example-$n" '
			/^```c$/ {
				file = out "-" FNR ".c"
				print "#line " FNR + 1 " \"" FILENAME "\"" >file
				next
			}
			/^```/ { file = "" }
			file != "" { print >file }' "$page"
	done
	for file in "$lib_dir"/example-*.c; do
		[ -e "$file" ] || fail "no example in any page"
		if grep -q 'rte_' "$file" && ! pkg-config --exists libdpdk; then
			continue
		fi
		cc -fsyntax-only "${flags[@]}" "$file" || failed=1
	done
	return $failed
}

drawings_are_current()
{
	doc/img/chain.sh | cmp - doc/img/chain.svg || {
		echo "doc/img/chain.sh >doc/img/chain.svg"
		return 1
	}
}

prose_is_wrapped || bad=1
named_files_exist || bad=1
examples_compile || bad=1
drawings_are_current || bad=1
status=0
doc/build.sh "$lib_dir/doc" || status=$?
[ $bad = 0 ] || exit 1
exit $status
