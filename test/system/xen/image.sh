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

bed_setup="$FIDO_TOP/setup.sh --xen"
# shellcheck source=test/system/bed/image.sh
. "$xen_bed/../bed/image.sh"

# Choose the newest kernel installed with its headers, and the newest Xen.
find_versions()
{
	local file
	find_kernel build
	hypervisor=$(find /boot -name 'xen-*-amd64.gz' | sort -V | tail -n 1)
	[ -n "$hypervisor" ] || fail "no /boot/xen-*-amd64.gz: run $bed_setup"
	file=${hypervisor##*/xen-}
	xen_bin=/usr/lib/xen-${file%-amd64.gz}/bin
	[ -x "$xen_bin/xl" ] || fail "no $xen_bin/xl: run $bed_setup"
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

# --- guests ---

add_xenstore_tools()
{
	local name
	for name in read write list ls rm chmod exists watch; do
		addbin "/usr/bin/xenstore-$name" "bin/xenstore-$name"
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
	add_programs_of test/system/bed test/system/xen apps/fido-ctl
	add_core_tests "$xen_bed"/scenarios/*.sh
	add_dpdk
	add_common_scripts
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
	for name in chain.sh core-tests.sh dpdk-jobs.sh dpdk-chain.sh kernels.sh transfer.sh; do
		addfile "$bed_common/$name" "bed/$name"
	done
	for name in dom0.sh lib.sh dpdk.sh net.sh vif.sh; do
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
	need_build
	mkdir -p "$xen_dir"
	find_versions
	echo "kernel $kernel, hypervisor $hypervisor"
	unpack_kernel "$xen_dir/vmlinux"
	unpack_hypervisor
	build_module
	build_domu
	build_dom0
	ls -l "$xen_dir"
}
