# shellcheck shell=bash
# SPDX-License-Identifier: BSD-3-Clause
# Build what the test beds boot: a kernel, and trees of files for guests, packed as initramfs.
# Sourced by the beds' image.sh after test/lib.sh, with $bed_setup set: the command that installs
# what is missing. Trees are built in the folder $tree.
# shellcheck disable=SC2154

bed_common=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=test/system/bed/dpdk-files.sh
. "$bed_common/dpdk-files.sh"

need_build()
{
	[ -e "$FIDO_BUILD/build.ninja" ] || fail "no build in $FIDO_BUILD: run $FIDO_TOP/setup.sh --build"
}

# --- the kernel ---

# FOLDER: set $kernel to the newest kernel in /boot that has this folder below /lib/modules/VERSION.
find_kernel()
{
	local version
	kernel=
	while IFS= read -r version; do
		[ ! -d "/lib/modules/$version/$1" ] || kernel=$version
	done < <(find /boot -name 'vmlinuz-*' -printf '%f\n' | sed 's/^vmlinuz-//' | sort -V)
	[ -n "$kernel" ] || fail "no kernel in /boot with /lib/modules/VERSION/$1: run $bed_setup"
}

# FILE OUT: OUT is newer than FILE
is_current()
{
	[ -e "$2" ] && [ "$2" -nt "$1" ] && [ "$(cat "$2.from" 2>/dev/null)" = "$1" ]
}

# OUT: extract the ELF file inside the bzImage: its payload is xz, whose unpacking takes seconds in
# emulation.
unpack_kernel()
{
	local image=/boot/vmlinuz-$kernel out=$1 offset
	! is_current "$image" "$out" || return 0
	offset=$(LC_ALL=C grep -obUaP '\xfd7zXZ\x00' "$image" | head -n 1 | cut -d: -f1)
	[ -n "$offset" ] || fail "$image is not compressed with xz"
	# More data follows the payload: xz complains, after it has unpacked all of it.
	tail -c +$((offset + 1)) "$image" | xz -dc --single-stream >"$out" 2>/dev/null || true
	readelf -h "$out" >/dev/null || fail "cannot unpack $image"
	echo "$image" >"$out.from"
}

# --- trees ---

# FILE DEST: add a file to the tree $tree, with its mode.
addfile()
{
	install -D -p -m "$(stat -Lc %a "$1")" "$1" "$tree/$2"
}

# Print the paths of a file's shared libraries; none for a static one.
libraries_of()
{
	ldd "$1" 2>/dev/null | awk '/=> \// { print $3 } /^\t\// { print $1 }'
}

# Put libraries of all folders into one, where the loader looks without a configuration.
addlib()
{
	local dest=lib/x86_64-linux-gnu/${1##*/}
	[ ! -e "$tree/$dest" ] || return 0
	addfile "$1" "$dest"
}

# FILE DEST: add a program, without its debugging information, and its libraries.
addbin()
{
	local library
	mkdir -p "$(dirname "$tree/$2")"
	strip -p -o "$tree/$2" "$1" 2>/dev/null || addfile "$1" "$2"
	for library in $(libraries_of "$1"); do
		case $library in
		*/ld-linux-x86-64.so.2) [ -e "$tree/lib64/${library##*/}" ] || addfile "$library" "lib64/${library##*/}" ;;
		*) addlib "$library" ;;
		esac
	done
}

# NAME...: print the files of modules of the kernel, each after those that it needs.
module_files()
{
	modprobe -S "$kernel" -aD "$@" | awk '$1 == "insmod" && !seen[$2]++ { print $2 }'
}

# NAME...: add modules of the kernel, with those that they need, to /modules.
addmodule()
{
	local file
	while read -r file; do
		[ -e "$tree/modules/${file##*/}" ] || addfile "$file" "modules/${file##*/}"
	done < <(module_files "$@")
}

pack()
{
	(cd "$1" && find . -print0 | LC_ALL=C sort -z | cpio -0 -o -H newc -R 0:0 --quiet --reproducible)
}

add_busybox()
{
	local name
	mkdir -p "$tree"/{bin,sbin,dev,proc,sys,run,tmp,root,lib64,usr/bin,etc,var/lib}
	ln -s ../run "$tree/var/run"
	addfile /bin/busybox bin/busybox
	for name in $(/bin/busybox --list); do
		[ "$name" = busybox ] || ln -s busybox "$tree/bin/$name"
	done
	echo 'root:x:0:0:root:/root:/bin/sh' >"$tree/etc/passwd"
}

add_common_scripts()
{
	local name
	for name in base.sh crashes.sh; do
		addfile "$bed_common/guest/$name" "bed/$name"
	done
}

# FOLDER...: add the programs in these folders of the build.
add_programs_of()
{
	local dir file
	for dir in "$@"; do
		for file in "$FIDO_BUILD/$dir"/*; do
			[ ! -f "$file" ] || [ ! -x "$file" ] || addbin "$file" "bin/${file##*/}"
		done
	done
}

# pthread_cancel() loads it at run time.
add_libgcc()
{
	addlib /lib/x86_64-linux-gnu/libgcc_s.so.1
}

# FILE...: add the unit and fault tests that are named there, and no others, as unit/NAME.
add_core_tests()
{
	local file name
	for file in "$FIDO_BUILD"/test/unit/unit-* "$FIDO_BUILD"/test/fault/fault-*; do
		name=${file##*/}
		name=${name#unit-}
		[ ! -f "$file" ] || ! grep -qw -- "$name" "$@" || addbin "$file" "unit/$name"
	done
	add_libgcc
}
