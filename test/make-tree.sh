#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Make a tree of files for tests that copy one: the same at each run, and without private data. Some
# thousand files from empty to a megabyte, in deep and wide folders, with links and names of all
# kinds.
#
#	test/make-tree.sh FOLDER
set -eu
export LC_ALL=C
tree=$1
mkdir "$tree"
cd "$tree"
for i in {0..39}; do
	mkdir -p "wide/$i" "deep$(printf '/d%.0s' $(seq 0 "$i"))"
done

# Lines of 1 KiB without a pattern; a file is its number and some of these.
awk '
function random(n)
{
	seed = (seed * 16807) % 2147483647
	return seed % n
}

function write_file(path, lines, i)
{
	printf "%s\n", path >path
	for (i = 0; i < lines; i++)
		print line[random(64)] >path
	close(path)
}

BEGIN {
	seed = 4711
	for (i = 0; i < 64; i++) {
		line[i] = ""
		for (k = 0; k < 256; k++)
			line[i] = line[i] sprintf("%04x", random(65536))
	}
	for (i = 0; i < 3000; i++)
		write_file("wide/" i % 40 "/" i, i % 10 == 0 ? random(100) : random(8))
	for (i = 0; i < 30; i++)
		write_file("large-" i, 300 + random(800))
	path = "deep"
	for (i = 0; i < 40; i++) {
		path = path "/d"
		write_file(path "/f", random(4))
	}
}' </dev/null

mkdir names links empty
# shellcheck disable=SC2016 # it is a name
for name in 'a b' ' leading' 'trailing ' '-rf' '.hidden' $'new\nline' $'tab\there' 'back\slash' "it's" '"quoted"' '*' '$HOME' '%s%n' \
	'ärger' $'\xff\xfe' "$(printf 'n%.0s' {1..255})"; do
	printf '%s' "$name" >"names/$name"
done
: >empty/file
mkdir empty/folder
printf 'end' >links/target
ln links/target links/hard
ln -s target links/soft
ln -s ../wide links/folder
ln -s nowhere links/dangling
ln -s . links/self
ln -s "$(printf '/x%.0s' {1..500})" links/long
truncate -s 3M holes
printf 'x' | dd of=holes bs=1 seek=1234567 conv=notrunc status=none
chmod 0400 large-0
chmod 4711 large-1
chmod 0000 large-2
find . -depth -exec touch -h -d '2001-02-03 04:05:06 UTC' {} +
