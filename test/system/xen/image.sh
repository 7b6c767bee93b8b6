# shellcheck shell=bash
# SPDX-License-Identifier: BSD-3-Clause
# Build what the bed boots, below $xen_dir; sourced by bed.sh, which sets $xen_dir and $xen_bed.
# shellcheck disable=SC2154
#
#   xen          the hypervisor, unpacked (QEMU loads no other)
#   vmlinux      the kernel for all domains, unpacked (xz takes seconds in emulation)
#   domu.cpio    the guests' files: busybox, modules, the project's programs
#   dom0.cpio    the same, and on top Xen's tools, the scenarios, and vmlinux and domu.cpio for the
#                guests

# shellcheck source=test/system/xen/dpdk-files.sh
. "$xen_bed/dpdk-files.sh"

# Choose the newest kernel installed with its headers, and the newest Xen.
find_versions()
{
	local file
	kernel=
	while IFS= read -r file; do
		[ ! -d "/lib/modules/$file/build" ] || kernel=$file
	done < <(find /boot -name 'vmlinuz-*' -printf '%f\n' | sed 's/^vmlinuz-//' | sort -V)
	[ -n "$kernel" ] || fail "no kernel in /boot with headers below /lib/modules: run $FIDO_TOP/setup.sh --xen"
	hypervisor=$(find /boot -name 'xen-*-amd64.gz' | sort -V | tail -n 1)
	[ -n "$hypervisor" ] || fail "no /boot/xen-*-amd64.gz: run $FIDO_TOP/setup.sh --xen"
	file=${hypervisor##*/xen-}
	xen_bin=/usr/lib/xen-${file%-amd64.gz}/bin
	[ -x "$xen_bin/xl" ] || fail "no $xen_bin/xl: run $FIDO_TOP/setup.sh --xen"
}

# FILE OUT: OUT is newer than FILE
is_current()
{
	[ -e "$2" ] && [ "$2" -nt "$1" ] && [ "$(cat "$2.from" 2>/dev/null)" = "$1" ]
}

# Extract the ELF file inside a bzImage: its payload is xz.
unpack_kernel()
{
	local image=/boot/vmlinuz-$kernel out=$xen_dir/vmlinux offset
	! is_current "$image" "$out" || return 0
	offset=$(LC_ALL=C grep -obUaP '\xfd7zXZ\x00' "$image" | head -n 1 | cut -d: -f1)
	[ -n "$offset" ] || fail "$image is not compressed with xz"
	# More data follows the payload: xz complains, after it has unpacked all of it.
	tail -c +$((offset + 1)) "$image" | xz -dc --single-stream >"$out" 2>/dev/null || true
	readelf -h "$out" >/dev/null || fail "cannot unpack $image"
	echo "$image" >"$out.from"
}

unpack_hypervisor()
{
	! is_current "$hypervisor" "$xen_dir/xen" || return 0
	gzip -dc "$hypervisor" >"$xen_dir/xen"
	echo "$hypervisor" >"$xen_dir/xen.from"
}

build_module()
{
	make -s -C "$FIDO_TOP/drivers/xen/fido-grant" MO="$xen_dir/fido-grant" \
		KDIR="/lib/modules/$kernel/build"
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

# NAME...: add modules of the kernel, with those that they need, to /modules.
addmodule()
{
	local file
	while read -r file; do
		[ -e "$tree/modules/${file##*/}" ] || addfile "$file" "modules/${file##*/}"
	done < <(modprobe -S "$kernel" -aD "$@" | awk '$1 == "insmod" { print $2 }')
}

pack()
{
	(cd "$1" && find . -print0 | LC_ALL=C sort -z | cpio -0 -o -H newc -R 0:0 --quiet --reproducible)
}

# --- guests ---

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

add_xenstore_tools()
{
	local name
	for name in read write list ls rm chmod exists watch; do
		addbin "/usr/bin/xenstore-$name" "bin/xenstore-$name"
	done
}

# Add the project's tests and programs.
add_programs()
{
	local file name
	for file in "$FIDO_BUILD"/test/system/xen/* "$FIDO_BUILD"/apps/fido-ctl/fido-ctl; do
		[ ! -f "$file" ] || [ ! -x "$file" ] || addbin "$file" "bin/${file##*/}"
	done
	# Only those that a scenario names: a guest unpacks all of this at each start.
	for file in "$FIDO_BUILD"/test/unit/unit-* "$FIDO_BUILD"/test/fault/fault-*; do
		name=${file##*/}
		name=${name#unit-}
		[ ! -f "$file" ] || ! grep -qw -- "$name" "$xen_bed"/scenarios/*.sh || addbin "$file" "unit/$name"
	done
}

build_domu()
{
	local name
	tree=$xen_dir/domu
	rm -rf "$tree"
	add_busybox
	add_xenstore_tools
	addmodule xen-privcmd xenfs xen-evtchn xen-gntdev xen-gntalloc tun xen-netfront
	addfile "$xen_dir/fido-grant/fido-grant.ko" modules/fido-grant.ko
	add_programs
	add_dpdk
	# pthread_cancel() loads it at run time.
	addlib /lib/x86_64-linux-gnu/libgcc_s.so.1
	for name in domu.sh counts.sh; do
		addfile "$xen_bed/guest/$name" "bed/$name"
	done
	install -m 755 "$xen_bed/guest/init.sh" "$tree/init"
	chmod 755 "$tree"/bed/*
	pack "$tree" >"$xen_dir/domu.cpio"
}

# --- dom0 ---

build_dom0()
{
	local name
	tree=$xen_dir/dom0
	rm -rf "$tree"
	mkdir -p "$tree"/{etc/xen,var/lib/xen,var/log/xen,boot}
	for name in xl xenstored xenconsoled xen-init-dom0 lsevtchn; do
		addbin "$xen_bin/$name" "bin/$name"
	done
	addmodule xen-netback bridge
	for name in dom0.sh lib.sh dpdk.sh net.sh kernels.sh vif.sh; do
		addfile "$xen_bed/guest/$name" "bed/$name"
	done
	chmod 755 "$tree"/bed/*
	for name in "$xen_bed"/scenarios/*.sh; do
		addfile "$name" "bed/scenarios/${name##*/}"
	done
	addfile /etc/xen/xl.conf etc/xen/xl.conf
	name=$FIDO_TOP/apps/xen/fido-group
	[ ! -e "$name" ] || addfile "$name" bin/fido-group
	ln "$xen_dir/vmlinux" "$xen_dir/domu.cpio" "$tree/boot/"
	# Archives can be concatenated: later files replace earlier ones.
	{
		cat "$xen_dir/domu.cpio"
		pack "$tree"
	} >"$xen_dir/dom0.cpio"
	rm -rf "$tree" "$xen_dir/domu"
}

build_images()
{
	[ -e "$FIDO_BUILD/build.ninja" ] || fail "no build in $FIDO_BUILD: run $FIDO_TOP/setup.sh --build"
	mkdir -p "$xen_dir"
	find_versions
	echo "kernel $kernel, hypervisor $hypervisor"
	unpack_kernel
	unpack_hypervisor
	build_module
	build_domu
	build_dom0
	ls -l "$xen_dir"
}
