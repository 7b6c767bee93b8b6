# shellcheck shell=bash
# SPDX-License-Identifier: BSD-3-Clause
# Build what the virtual machines boot, below $vm_dir; sourced by bed.sh, which sets $vm_dir and
# $vm_bed.
# shellcheck disable=SC2154
#
#   vmlinux      the kernel, unpacked (xz takes seconds in emulation)
#   guest        the guests' files: busybox, modules, the project's programs; containers use them,
#                too
#   guest.cpio   the same, to be booted
#   disk.img     a file system with what is too large to be unpacked at each boot: programs for
#                block volumes, the core's tests (guest/disk.sh)

bed_setup="$FIDO_TOP/setup.sh --vm"
# shellcheck source=test/system/bed/image.sh
. "$vm_bed/../bed/image.sh"

# Loaded at each boot: the slots' memory and ports.
vm_modules=(virtio_pci virtio_console nfit virtio_pmem nd_pmem device_dax dax_pmem)
# Loaded by scenarios that need them (guest/load.sh).
vm_modules_on_demand=(tun fuse loop ext4 kmem vfio-pci vfio_iommu_type1 virtio_net virtio_blk)

# FILE NAME...: add modules; FILE of the tree lists theirs in the order in which they are loaded.
add_module_list()
{
	local list=$tree/$1
	shift
	addmodule "$@"
	mkdir -p "$(dirname "$list")"
	module_files "$@" | sed 's,.*/,,' >"$list"
}

build_module()
{
	make -s -C "$FIDO_TOP/drivers/vm/fido-bell" MO="$vm_dir/fido-bell" KDIR="/lib/modules/$kernel/build"
}

build_guest()
{
	local name
	tree=$vm_dir/guest
	rm -rf "$tree"
	add_busybox
	add_module_list bed/modules/boot "${vm_modules[@]}"
	for name in "${vm_modules_on_demand[@]}"; do
		add_module_list "bed/modules/$name" "$name"
	done
	addfile "$vm_dir/fido-bell/fido-bell.ko" modules/fido-bell.ko
	echo fido-bell.ko >"$tree/bed/modules/fido-bell"
	add_programs_of test/system/bed test/system/vm apps/fido-ctl
	add_dpdk
	add_common_scripts
	for name in bell.sh disk.sh kmem.sh load.sh scribble-header.sh slots.sh; do
		addfile "$vm_bed/guest/$name" "bed/$name"
	done
	chmod 755 "$tree"/bed/*.sh
	install -m 755 "$vm_bed/guest/init.sh" "$tree/init"
	pack "$tree" >"$vm_dir/guest.cpio"
}

build_disk()
{
	local name
	tree=$vm_dir/disk
	rm -rf "$tree" "$vm_dir/disk.img"
	for name in fido-blkd fido-blk-mount; do
		addbin "$FIDO_BUILD/apps/$name/$name" "bin/$name"
	done
	for name in mkfs.ext4 fsck.ext4; do
		addbin "$(PATH=$PATH:/sbin:/usr/sbin command -v $name)" "bin/$name"
	done
	add_core_tests "$bed_common/core-tests.sh"
	truncate -s 96M "$vm_dir/disk.img"
	/sbin/mkfs.ext4 -q -O ^has_journal -d "$tree" "$vm_dir/disk.img"
	rm -rf "$tree"
}

build_images()
{
	need_build
	mkdir -p "$vm_dir"
	find_kernel kernel
	echo "kernel $kernel"
	unpack_kernel "$vm_dir/vmlinux"
	build_module
	build_guest
	build_disk
	ls -l "$vm_dir"
}
