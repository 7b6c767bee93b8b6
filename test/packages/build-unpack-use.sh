#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Proves: debian/ builds its packages from the tree alone, with each file in one of them and without
# complaints of lintian; and their contents work where they are unpacked: DPDK loads the driver,
# packets pass and fido-ctl shows it, a program builds with libfido-dev, nbdkit loads the plugin,
# fio loads the engine, dkms builds and installs the kernel module, and the test for autopkgtest passes. Nothing is
# installed on this machine.
#
#	copy of the tree --dpkg-buildpackage--> *.deb --dpkg-deb -x--> root/
#	root/: testpmd tx --> testpmd rx
set -eu -o pipefail
# shellcheck source=test/system/mmnet.bash
. "$(dirname "$0")/../system/mmnet.bash"
work=$lib_dir/packages
tree=$work/fido
# EAL loads no driver from below a world-writable folder such as /tmp.
root=$(mktemp -d /run/fido-packages.XXXXXX)
at_exit "rm -rf '$root'"
chmod 755 "$root"
lib=usr/lib/$(dpkg-architecture -qDEB_HOST_MULTIARCH)
version=$(meson introspect --projectinfo "$FIDO_TOP/meson.build" | jq -r .version)

build()
{
	dpkg-query -W libdpdk-dev >/dev/null 2>&1 || skip "this DPDK is not Debian's"
	[ -e "$FIDO_BUILD/dpdk-headers/ethdev_driver.h" ] || fail "no DPDK driver headers: run setup.sh"
	[ -e "$FIDO_BUILD/fio-headers/version" ] || fail "no headers of fio: run setup.sh"
	mkdir -p "$tree"
	tar -C "$FIDO_TOP" --exclude=./.git --exclude='./build*' -c . | tar -C "$tree" -x
	echo "+ dpkg-buildpackage -us -uc -b"
	(cd "$tree" && env -u CC -u CXX -u MAKEFLAGS DPDK_HEADERS="$(realpath "$FIDO_BUILD/dpdk-headers")" \
		FIO_HEADERS="$(realpath "$FIDO_BUILD/fio-headers")" \
		DEB_BUILD_OPTIONS="nocheck noautodbgsym parallel=${FIDO_JOBS:-$(nproc)}" dpkg-buildpackage -us -uc -b) \
		>"$work/log" 2>&1 || fail "cannot build the packages: $(tail -n 40 "$work/log")"
	! grep -E '^(dh_[a-z]+|dpkg-[a-z]+): warning' "$work/log" || fail "the package build prints warnings"
}

packages_are_clean()
{
	command -v lintian >/dev/null || fail "there is no lintian: run setup.sh --packages"
	echo "+ lintian fido_${version}_*.changes"
	lintian --allow-root --fail-on error,warning "$work/fido_${version}"_*.changes >"$work/lintian.log" 2>&1 ||
		fail "lintian: $(cat "$work/lintian.log")"
}

# Every package of debian/control was built, with the project's version; no two have a file in
# common.
packages_are_whole()
{
	local package files=$work/files
	for package in $(sed -n 's/^Package: //p' "$tree/debian/control"); do
		echo "+ dpkg-deb -x ${package}_${version}_*.deb"
		dpkg-deb -x "$work/${package}_${version}"_*.deb "$root"
		dpkg-deb --fsys-tarfile "$work/${package}_${version}"_*.deb | tar -t | grep -v '/$' >"$work/these"
		grep -qv '/share/doc/' "$work/these" || fail "$package is empty"
		cat "$work/these" >>"$files"
	done
	expect_eq "$(sort "$files" | uniq -d | xargs)" "" "files that are in two packages"
}

there_is()
{
	local path
	for path in "$@"; do
		compgen -G "$root/$path" >/dev/null || fail "no package has $path"
	done
}

programs_start()
{
	local program
	for program in "$root"/usr/bin/* "$root"/usr/sbin/*; do
		case $program in
		*/fido-fwd) set -- -- --help ;;
		*) set -- --help ;;
		esac
		echo "+ ${program##*/} $*"
		env LD_LIBRARY_PATH="$root/$lib" "$program" "$@" | matches "usage: ${program##*/} " ||
			fail "${program##*/} does not start"
		there_is "usr/share/man/man[18]/${program##*/}.[18].gz" \
			"usr/share/bash-completion/completions/${program##*/}"
	done
	"$root/usr/bin/fido-ctl" --version | matches "^fido-ctl $version " || fail "fido-ctl has another version"
	nbdkit "$root/$lib/nbdkit/plugins/nbdkit-fido-plugin.so" --dump-plugin | matches -x "fido_version=$version" ||
		fail "nbdkit does not load the plugin"
	fio --enghelp="$root/$lib/fio/fio_fido.so" | matches connect_timeout || fail "fio does not load the engine"
	dpkg-deb -f "$work"/fio-fido_*.deb Depends | matches "fio (>= $(dpkg-query -W -f '${source:Upstream-Version}' fio))" ||
		fail "fio-fido does not depend on the fio that it was built for"
}

# Build and run a program that joins a group, with libfido-dev and libfido0.
library_is_usable()
{
	local need flags program=$work/joins
	cat >"$program.c" <<-'END'
	#include <fido/blk.h>
	#include <fido/domain.h>

	int main(void)
	{
		struct fido_domain *domain;
		int ret = fido_domain_join(&domain, &(struct fido_domain_config){.group = "g", .name = "a", .no_hugepages = true});

		if (ret == 0)
			fido_domain_leave(domain);
		return ret != 0 || fido_blk_open == NULL;
	}
	END
	# The package must depend on whatever pkg-config reads.
	for need in $(sed -n 's/^Requires.private: //p' "$root/$lib/pkgconfig/"*.pc | tr -d ,); do
		need=$(dpkg -S "$(pkg-config --variable=pcfiledir "$need")/$need.pc" | cut -d: -f1)
		dpkg-deb -f "$work"/libfido-dev_*.deb Depends | matches -w "$need" || fail "libfido-dev does not depend on $need"
	done
	flags=$(PKG_CONFIG_PATH=$root/$lib/pkgconfig PKG_CONFIG_SYSROOT_DIR=$root PKG_CONFIG_ALLOW_SYSTEM_CFLAGS=1 \
		PKG_CONFIG_ALLOW_SYSTEM_LIBS=1 pkg-config --cflags --libs libfido-blk libfido)
	# shellcheck disable=SC2086 # the flags are separate words
	echo_run cc -o "$program" "$program.c" $flags
	LD_LIBRARY_PATH=$root/$lib ldd "$program" | matches "=> $root/$lib/libfido.so.0 " || fail "it uses another libfido"
	LD_LIBRARY_PATH=$root/$lib echo_run "$program" || fail "it cannot join a group"
}

driver_works()
{
	# shellcheck disable=SC2034 # lib.sh uses it
	mmnet_driver=$(compgen -G "$root/$lib/dpdk/pmds-*/librte_net_mmnet.so")
	need_hugepages 320
	testpmd tx "$(on2 0)" "$(dev 0 tx rx)" -- --forward-mode=txonly
	testpmd rx "$(on2 1)" "$(dev 0 rx tx)" -- --forward-mode=rxonly
	grep -q " $mmnet_driver\$" "/proc/${lib_pid[tx]}/maps" || fail "testpmd has not loaded $mmnet_driver"
	testpmd_cmd rx start >/dev/null
	testpmd_cmd tx start >/dev/null
	wait_for 20 '[ "$(xstat rx 0 rx_good_packets)" -gt 1000 ]' || fail "rx receives nothing"
	expect_eq "$("$root/usr/bin/fido-ctl" list --group "$fido_group" --json | jq -r '[.domains[].name] | sort | join(" ")')" \
		"rx tx" "the domains that fido-ctl lists"
	stop tx
	stop rx
}

# For the newest kernel with headers. dkms writes outside its temporary folders only to mounts that
# only it sees.
module_builds()
{
	local kernel name source modules=$work/modules module
	kernel=$(find /lib/modules/*/build -maxdepth 0 2>/dev/null | sort -V | tail -n 1 | cut -d / -f 4)
	[ -n "$kernel" ] || fail "no kernel headers below /lib/modules: run setup.sh --packages"
	command -v dkms >/dev/null || fail "there is no dkms: run setup.sh --packages"
	mkdir "$modules" "$work/overlay"
	# shellcheck disable=SC2016 # the other shell expands it
	local namespace=(unshare -m sh -c 'mount -t tmpfs fido-test /var/lib/dkms &&
		mount -t overlay fido-test -o "lowerdir=/lib/modules,upperdir=$1,workdir=$2" /lib/modules && shift 2 && "$@"'
		sh "$modules" "$work/overlay")
	"${namespace[@]}" true 2>/dev/null || {
		echo "(cannot mount an overlay here: dkms is not tested)"
		return 0
	}
	for name in fido-bell fido-grant; do
		source=$(compgen -G "$root/usr/src/$name-*")
		echo "+ dkms install $name/${source##*-} -k $kernel"
		"${namespace[@]}" dkms install --sourcetree "$root/usr/src" "$name/${source##*-}" -k "$kernel" \
			>"$work/dkms.log" 2>&1 || fail "dkms: $(tail -n 20 "$work/dkms.log")"
		module=$(find "$modules" -name "$name.ko*")
		[ -n "$module" ] || fail "dkms has installed no module: $(cat "$work/dkms.log")"
		[[ $(modinfo -F vermagic "$module") == "$kernel "* ]] || fail "the module is for another kernel: $(modinfo "$module")"
		grep -q "$name.ko" "$modules/$kernel/modules.dep" || fail "modprobe would not find ${module#"$modules"/}"
	done
}

# As autopkgtest would run it, except for the place of the packages.
autopkgtest_passes()
{
	local name
	for name in $(sed -n 's/^Tests: //p' "$tree/debian/tests/control"); do
		PATH=$root/usr/bin:$PATH LD_LIBRARY_PATH=$root/$lib EAL_OPTIONS="-d $mmnet_driver" \
			echo_run "$tree/debian/tests/$name" || fail "debian/tests/$name: see above"
	done
}

build
packages_are_whole
packages_are_clean
there_is 'usr/src/fido-bell-*/fido_bell.h' 'usr/src/fido-grant-*/dkms.conf' 'usr/src/fido-grant-*/fido-grant.c' usr/share/man/man1/nbdkit-fido-plugin.1.gz \
	usr/share/man/man7/net_mmnet.7.gz usr/share/man/man7/fio_fido.7.gz "$lib/libfido.a" lib/systemd/system/nbdkit-fido@.service \
	lib/systemd/system/fido-blk-mount@.service lib/systemd/system/fido-vmd.service
programs_start
library_is_usable
driver_works
autopkgtest_passes
module_builds
