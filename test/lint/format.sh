#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Proves: C code is as clang-format writes it, and no line is longer than 100 columns, comments included.
set -eu -o pipefail

# shellcheck source=test/lib.sh
. "$(dirname "$0")/../lib.sh"
cd "$FIDO_TOP"
columns=100

mapfile -t files < <(find src drivers apps test -name '*.[ch]')
expect_ge ${#files[@]} 300 "C files"
# Its releases differ in what they write.
clang-format-14 --dry-run -Werror "${files[@]}" || fail "run: clang-format-14 -i FILE"
long=$(for file in "${files[@]}"; do
	expand -t8 "$file" | awk -v f="$file" -v max=$columns 'length($0) > max { print f ":" NR ": " length($0) " columns" }'
done)
[ -z "$long" ] || fail "lines longer than $columns columns:
$long"
