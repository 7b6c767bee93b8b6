#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Proves: the tree has only what people wrote or small results: no file over 256 KiB, no binary one
# but the seeds of the fuzz targets and the pictures of doc/img.
set -eu -o pipefail

# shellcheck source=test/lib.sh
. "$(dirname "$0")/../lib.sh"
cd "$FIDO_TOP"

bad=0
# Outside a git checkout (a release's archive) there is no list of files.
git rev-parse -q --verify HEAD >/dev/null || skip "no git checkout"
while IFS= read -r -d '' file; do
	[ -f "$file" ] || continue
	if [ "$(stat -c %s "$file")" -gt $((256 << 10)) ]; then
		echo "$file: over 256 KiB: let a script make it, or keep it elsewhere"
		bad=1
	fi
	case $file in test/fuzz/corpus/* | doc/img/*) continue ;; esac
	if [ -s "$file" ] && ! LC_ALL=C grep -qI . "$file"; then
		echo "$file: not a text: let a script make it"
		bad=1
	fi
done < <(git ls-files -z)
[ $bad = 0 ] || fail "see above"
