#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Proves: libfido and libfido-blk export exactly what their public headers declare; Debian's symbols
# file lists the same.
set -eu -o pipefail
# shellcheck source=test/lib.sh
. "$(dirname "$0")/../lib.sh"
cd "$FIDO_TOP"
libfido=$FIDO_BUILD/src/libfido
libfido_blk=$FIDO_BUILD/drivers/blk/libfido-blk

# Print the functions that the headers declare, outside of comments.
declared()
{
	cc -w -fpreprocessed -dD -E -P src/include/fido/*.h drivers/blk/include/fido/*.h | grep -oE '\bfido_[a-z0-9_]+\(' | tr -d '(' | sort -u
}

# symbols NM_OPTION... FILE, without versions
symbols()
{
	nm --defined-only "$@" | awk '$2 == "T" { sub(/@.*/, "", $3); print $3 }' | sort -u
}

# exported FILE: with versions
exported()
{
	nm -D --defined-only --with-symbol-versions "$1" | awk '{ sub(/@@/, "@", $3); print $3 }' | sort -u
}

# packaged LIBRARY: as exported(), of debian/libfido0.symbols
packaged()
{
	awk -v library="$1" '/^[^ ]/ { ours = $1 == library; next } ours { print $1 }' debian/libfido0.symbols | sort -u
}

for path in "$libfido" "$libfido_blk"; do
	echo "+ nm -D $path.so"
	want=$(comm -12 <(symbols "$path.a") <(declared))
	[ "$(wc -l <<<"$want")" -gt 10 ] || fail "$path.a has nothing of what the headers declare"
	expect_eq "$(diff <(echo "$want") <(symbols -D "$path.so") | grep '^[<>]' | xargs)" "" \
		"<: not exported; >: exported, in no header"
	# Version nodes export their own name.
	expect_eq "$(diff <(exported "$path.so" | sed -E 's/^(FIDO_[0-9A-Z]+)$/\1@\1/' | sort) \
		<(packaged "$(basename "$path").so.0") | grep '^[<>]' | xargs)" "" "<: not in debian/libfido0.symbols; >: only there"
done
expect_eq "$(comm -12 <(nm -D --undefined-only "$libfido_blk.so" | awk '{ sub(/@.*/, "", $2); print $2 }' | sort) \
	<(comm -13 <(declared) <(symbols -D "$libfido.so")) | xargs)" "" "what libfido-blk needs of libfido beside the headers"
