#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Proves: each folder includes only headers of the layers below it. The core knows no transport, no
# driver and no block device; a transport knows no other one; a store does not know the backend;
# nothing in src/ or drivers/ knows an application or a test.
#
#	src/include/fido  <-  src/core  <-  src/local  <-  src/host, src/vm, src/xen
#	drivers/blk: include/fido, common  <-  front, fuse, nbdkit        store  <-  back
set -eu -o pipefail

# shellcheck source=test/lib.sh
. "$(dirname "$0")/../lib.sh"
cd "$FIDO_TOP"

# Each folder, and the folders whose headers it may include by name, beside its own. Public headers:
# <fido/...>.
allowed()
{
	cat <<-EOF
	src/include/fido
	src/core
	src/local src/core
	src/host src/core src/local
	src/vm src/core src/local
	src/xen src/core src/local
	drivers/vm/fido-bell src/vm
	drivers/xen/fido-grant src/xen
	drivers/net/common
	drivers/net/mmnet_pmd drivers/net/common
	drivers/net/vtap_pmd drivers/net/common
	drivers/blk/include/fido
	drivers/blk/common
	drivers/blk/front drivers/blk/common
	drivers/blk/store drivers/blk/common
	drivers/blk/back drivers/blk/common drivers/blk/store
	drivers/blk/fio
	drivers/blk/fuse drivers/blk/common
	drivers/blk/nbdkit drivers/blk/common
	EOF
}

# FOLDER HEADER FILE...: besides its own .c, only these files of the folder may include the header.
# So calls go one way there.
above()
{
	cat <<-EOF
	drivers/blk/back session.h worker.c
	drivers/blk/back worker.h clients.c server.c
	drivers/blk/back clients.h server.c
	EOF
}

bad=0
checked=0

# FILE FOLDER...: its headers lie in one of the folders
check_file()
{
	local file=$1 header folder
	shift
	for header in $(sed -nE 's/^#[[:space:]]*include "([^"]+)".*/\1/p' "$file"); do
		checked=$((checked + 1))
		for folder in "$@"; do
			[ ! -e "$folder/$header" ] || continue 2
		done
		echo "$file includes $header, which lies in none of: $*"
		bad=1
	done
}

# FILE: libfido's public headers know nothing of blk.
check_public()
{
	! grep -HnE '^#[[:space:]]*include <fido/blk' "$1" || bad=1
}

while read -r folder below; do
	for file in "$folder"/*.[ch]; do
		[ -e "$file" ] || fail "$folder has no sources: correct the table here"
		# shellcheck disable=SC2086 # several folders
		check_file "$file" "$folder" $below
		case $folder in src/*) check_public "$file" ;; esac
	done
done < <(allowed)
while read -r folder header users; do
	[ -e "$folder/$header" ] || fail "$folder/$header does not exist: correct the table here"
	for file in $(grep -lE "^#[[:space:]]*include \"$header\"" "$folder"/*.[ch]); do
		case " $users ${header%.h}.c " in *" ${file##*/} "*) continue ;; esac
		echo "$file includes $header, a header of a higher layer"
		bad=1
	done
done < <(above)
# A new folder needs a line in the table.
while read -r folder; do
	[ -n "$(allowed | awk -v f="$folder" '$1 == f')" ] || {
		echo "$folder is not in the table of $0"
		bad=1
	}
done < <(find src drivers -name '*.[ch]' -printf '%h\n' | sort -u)
expect_ge $checked 100 "includes were looked at"
exit $bad
