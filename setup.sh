#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Prepare a bare Debian 12 (as root) to build, test and run Fido. What exists already is left alone,
# so that a second run does nothing and needs no network.
set -eu -o pipefail

top=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=test/apt.sh
. "$top/test/apt.sh"
build=${FIDO_BUILD:-$top/build}
case $build in /*) ;; *) build=$PWD/$build ;; esac
headers=$build/dpdk-headers
examples=$build/dpdk-examples
fio_headers=$build/fio-headers
# Debian's source packages, as long as they are needed.
sources=$build/debian-source

# To build the project, then to run its tests and benchmarks.
packages=(
	gcc g++ libc6-dev make clang clang-format-14 libclang-rt-14-dev meson ninja-build pkg-config
	libcmocka-dev libbenchmark-dev libcjson-dev libfuse3-dev libisal-dev libnbd-dev liburing-dev libxen-dev nbdkit-plugin-dev
	cppcheck curl doxygen dropbear-bin e2fsprogs ethtool fio fuse3 gnuplot-nox graphviz iperf3 iproute2 iputils-ping jq
	libnbd-bin nbdkit procps python3 python3-pyelftools qemu-utils
	mandoc shellcheck spin strace tcpdump util-linux valgrind
)
# In addition, to build the project's own packages (debian/).
packages+=(build-essential debhelper dh-dkms dpkg-dev)
# To boot a kernel in emulation, for the tests on real Xen and in virtual machines. Only with --xen
# or --vm: where GRUB is installed, it would offer another kernel, or a hypervisor, at the next boot.
emulation_packages=(linux-image-amd64 linux-headers-amd64 busybox-static cpio binutils kmod qemu-system-x86 xz-utils)
# In addition, hypervisor and dom0.
xen_packages=(xen-hypervisor-4.17-amd64 xen-utils-4.17 xenstore-utils)
# In addition, for members in containers.
vm_packages=(crun podman)
# To check the built packages, and to build the kernel module as they do. Only with --packages,
# since they have many dependencies.
lint_packages=(dkms lintian linux-headers-amd64)
# Needed unless pkg-config finds another DPDK that has its driver headers.
dpdk_packages=(dpdk dpdk-dev libdpdk-dev dpkg-dev)
# DPDK's driver headers that libdpdk-dev leaves out, by their path in DPDK's source.
driver_headers=(
	lib/eal/include/bus_driver.h
	lib/eal/include/dev_driver.h
	lib/ethdev/ethdev_driver.h
	lib/ethdev/ethdev_vdev.h
	drivers/bus/vdev/bus_vdev_driver.h
)
# Folders of fio's source with the headers that an engine is built with. Debian does not package them.
fio_folders=(. arch compiler lib os oslib)
# DPDK's own examples that tests run on mmnet ports, by their folders in DPDK's examples/; their
# Makefiles include common/.
dpdk_examples=(common ip_fragmentation ip_reassembly l2fwd l3fwd l3fwd-power packet_ordering rxtx_callbacks skeleton)

usage()
{
	cat <<-EOF
	usage: setup.sh [--build] [--no-hugepages] [--xen] [--vm] [--packages] [--check]
	       setup.sh --raise-hugepages MB
	       setup.sh --dpdk VERSION [--dpdk-source DIR]
	Installs what Fido needs on Debian 12, fetches DPDK's driver headers, some of its examples and fio's
	headers into the build folder, reserves hugepages and mounts /dev/hugepages. Skips what is done
	already.
	  --build               also configure (meson) and build (ninja) the build folder
	  --no-hugepages        leave the hugepages alone
	  --xen                 also install what the tests on real Xen need (Debian's hypervisor, a
	                        kernel, QEMU); test/run.sh passes it
	  --vm                  also install what the tests in virtual machines need (a kernel, QEMU,
	                        podman); test/run.sh passes it
	  --packages            also install what the tests of Debian packages need (lintian, dkms);
	                        test/run.sh passes it
	  --check               change nothing; print what is missing, exit 1 if anything is
	  --dpdk VERSION        only build DPDK 24.11 or 25.11 into a cache folder, once, and print the folder,
	                        for -Ddpdk_prefix=; from Debian's source package, or from the source tree DIR
	  --raise-hugepages MB  only have at least MB of 2 MiB pages, and mount /dev/hugepages
	environment: FIDO_BUILD, the build folder (default: build); FIDO_JOBS, parallel compilers
	EOF
}

say()
{
	printf 'setup: %s\n' "$*"
}

warn()
{
	printf 'setup: warning: %s\n' "$*" >&2
}

die()
{
	printf 'setup: %s\n' "$*" >&2
	exit 1
}

need_root()
{
	[ "$(id -u)" = 0 ] || die "cannot $1: not root. Run: sudo $top/setup.sh"
}

# Run a command up to three times: package mirrors fail now and then. Its output goes to the log.
retry()
{
	local try
	for try in 1 2 3; do
		if "$@" >>"$build/setup.log" 2>&1 </dev/null; then
			return 0
		fi
		[ "$try" = 3 ] || sleep $((try * 5))
	done
	tail -n 15 "$build/setup.log" >&2
	return 1
}

# True when pkg-config's DPDK has the driver headers (-Denable_driver_sdk=true).
dpdk_has_driver_headers()
{
	local flag
	pkg-config --exists 'libdpdk >= 22.11' 2>/dev/null || return 1
	for flag in $(pkg-config --cflags-only-I libdpdk); do
		[ -e "${flag#-I}/ethdev_driver.h" ] && return 0
	done
	return 1
}

missing_packages()
{
	local want=("${packages[@]}") have name
	[ "$xen$vm" = 00 ] || want+=("${emulation_packages[@]}")
	[ "$xen" = 0 ] || want+=("${xen_packages[@]}")
	[ "$vm" = 0 ] || want+=("${vm_packages[@]}")
	[ "$lint" = 0 ] || want+=("${lint_packages[@]}")
	dpdk_has_driver_headers || want+=("${dpdk_packages[@]}")
	have=$(dpkg-query -W -f '${db:Status-Status} ${Package}\n' "${want[@]}" 2>/dev/null || true)
	for name in "${want[@]}"; do
		grep -qx "installed $name" <<<"$have" || printf '%s\n' "$name"
	done | sort -u
}

install_packages()
{
	local missing
	mapfile -t missing < <(missing_packages)
	[ ${#missing[@]} -gt 0 ] || return 0
	need_root "install packages (${missing[*]})"
	export DEBIAN_FRONTEND=noninteractive
	say "installing ${missing[*]}"
	retry apt-get update ||
		die "apt-get update failed (log: $build/setup.log). Check the network and /etc/apt."
	retry apt-get install -y --no-install-recommends "${missing[@]}" ||
		die "apt-get install failed (log: $build/setup.log). Check the network and free space."
}

headers_compile()
{
	# shellcheck disable=SC2046 # the flags are separate words
	printf '#include <%s>\n' ethdev_driver.h ethdev_vdev.h bus_vdev_driver.h |
		cc -x c -fsyntax-only -DALLOW_INTERNAL_API -I"$1" $(pkg-config --cflags libdpdk) - \
			>>"$build/setup.log" 2>&1
}

# NAME VERSION PACKAGES: unpack Debian's source package of exactly the installed version as $sources/NAME.
fetch_source()
{
	local name=$1 version=$2 installed=$3
	say "fetching the source of $name $version"
	if [ ! -d "$sources/lists" ]; then
		apt_lists "$sources"
		# A third-party list without sources fails here and does no harm: the next step decides.
		retry apt_source "$sources" update 2>/dev/null || true
	fi
	retry apt_source "$sources" source --download-only "$name=$version" || die \
		"cannot fetch the source of $name $version (log: $build/setup.log)." \
		"If the archive has a newer one: apt-get install $installed"
	dpkg-source --no-check -x "$sources/$name"_*.dsc "$sources/$name" >>"$build/setup.log" 2>&1 ||
		die "cannot unpack the source of $name $version (log: $build/setup.log)"
}

take_headers()
{
	local version=$1 source=$2 new=$headers.new path
	rm -rf "$new"
	mkdir -p "$new"
	for path in "${driver_headers[@]}"; do
		cp "$source/$path" "$new/" || die "dpdk $version has no $path"
	done
	headers_compile "$new" ||
		die "the driver headers of dpdk $version do not compile (log: $build/setup.log)"
	echo "$version" >"$new/version"
	rm -rf "$headers"
	mv "$new" "$headers"
}

# Tests build the examples in these folders; a new version replaces both.
take_examples()
{
	local version=$1 folder=$2 new=$examples.new name
	rm -rf "$new"
	mkdir -p "$new"
	for name in "${dpdk_examples[@]}"; do
		cp -r "$folder/$name" "$new/" || die "dpdk $version has no example $name"
	done
	examples_wanted "$version" >"$new/version"
	rm -rf "$examples"
	mv "$new" "$examples"
}

fio_headers_compile()
{
	printf '#include <%s>\n' fio.h optgroup.h |
		cc -x c -fsyntax-only -D_GNU_SOURCE -include "$top/drivers/blk/fio/fio_config.h" -I"$1" - \
			>>"$build/setup.log" 2>&1
}

take_fio_headers()
{
	local version=$1 source=$2 new=$fio_headers.new folder
	rm -rf "$new"
	for folder in "${fio_folders[@]}"; do
		mkdir -p "$new/$folder"
		cp "$source/$folder"/*.h "$new/$folder/" || die "fio $version has no headers in $folder"
	done
	# The engine refuses any other fio.
	printf '#define FIO_BUILT_FOR "fio-%s"\n' "${version%%-*}" >"$new/fio_built_for.h"
	fio_headers_compile "$new" || die "the headers of fio $version do not compile (log: $build/setup.log)"
	echo "$version" >"$new/version"
	rm -rf "$fio_headers"
	mv "$new" "$fio_headers"
}

# Take missing headers and examples of DPDK, and headers of fio, from Debian's source packages.
fetch_missing()
{
	rm -rf "$sources"
	fetch_dpdk "$(dpdk_version)"
	fetch_fio "$(fio_version)"
	rm -rf "$sources"
}

fetch_fio()
{
	local version=$1
	! fio_headers_are_current || return 0
	fetch_source fio "$version" fio
	take_fio_headers "$version" "$sources/fio"
}

fetch_dpdk()
{
	local version=$1 own
	if headers_are_current && examples_are_current; then
		return 0
	fi
	if [ -z "$version" ]; then
		# A DPDK from elsewhere, with driver headers: its examples may be installed beside
		# it.
		own=$(pkg-config --variable=prefix libdpdk)/share/dpdk/examples
		[ ! -d "$own" ] || take_examples "" "$own"
		return 0
	fi
	fetch_source dpdk "$version" "dpdk dpdk-dev libdpdk-dev"
	headers_are_current || take_headers "$version" "$sources/dpdk"
	examples_are_current || take_examples "$version" "$sources/dpdk/examples"
}

dpdk_version()
{
	dpkg-query -W -f '${source:Version}' libdpdk-dev 2>/dev/null || true
}

fio_version()
{
	dpkg-query -W -f '${source:Version}' fio 2>/dev/null || true
}

# A fio of somebody's own has its headers where he says (-Dfio_headers).
fio_headers_are_current()
{
	[ -n "$(fio_version)" ] || return 0
	[ -e "$fio_headers/version" ] && [ "$(cat "$fio_headers/version")" = "$(fio_version)" ]
}

headers_are_current()
{
	dpdk_has_driver_headers && return 0
	[ -e "$headers/version" ] && [ "$(cat "$headers/version")" = "$(dpdk_version)" ]
}

examples_wanted()
{
	echo "$1 ${dpdk_examples[*]}"
}

examples_are_current()
{
	[ -e "$examples/version" ] &&
		[ "$(cat "$examples/version")" = "$(examples_wanted "$(dpdk_version)")" ]
}

memory_mb()
{
	awk '/^MemTotal:/ { print int($2 / 1024) }' /proc/meminfo
}

# 1 GiB, or an eighth of the memory of a machine that has less than 8 GiB.
default_hugepages_mb()
{
	local mb
	mb=$(($(memory_mb) / 8))
	echo $((mb < 1024 ? mb : 1024))
}

nr_hugepages=/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages

hugepages_mounted()
{
	awk '$2 == "/dev/hugepages" && $3 == "hugetlbfs" { found = 1 } END { exit !found }' /proc/mounts
}

hugepages_are_enough()
{
	[ -e $nr_hugepages ] && hugepages_mounted && [ "$(cat $nr_hugepages)" -ge $(($1 / 2)) ]
}

# Raise the number of 2 MiB pages to at least $1 MB, and mount hugetlbfs. Never takes pages away.
raise_hugepages()
{
	local pages=$(($1 / 2)) got
	hugepages_are_enough "$1" && return 0
	if [ ! -e $nr_hugepages ]; then
		warn "this kernel has no 2 MiB pages: ordinary pages will be used, which is slower"
		return 0
	fi
	need_root "reserve $1 MB of hugepages"
	if [ $((pages * 2)) -gt $(($(memory_mb) * 3 / 4)) ]; then
		warn "not reserving $1 MB of hugepages: the machine has $(memory_mb) MB in all"
		return 0
	fi
	if ! hugepages_mounted; then
		mkdir -p /dev/hugepages
		mount -t hugetlbfs -o pagesize=2M hugetlbfs /dev/hugepages || warn \
			"cannot mount hugetlbfs on /dev/hugepages: DPDK will need --no-huge or --in-memory"
	fi
	if [ "$(cat $nr_hugepages)" -lt $pages ]; then
		echo $pages >$nr_hugepages || true
	fi
	if [ "$(cat $nr_hugepages)" -lt $pages ]; then
		# Free memory may be fragmented: let the kernel compact it, and try again.
		echo 1 >/proc/sys/vm/compact_memory 2>/dev/null || true
		echo $pages >$nr_hugepages || true
	fi
	got=$(cat $nr_hugepages)
	[ "$got" -ge $pages ] || warn "asked for $pages pages of 2 MiB, the kernel has $got:" \
		"free some memory, or reserve them at boot with hugepages=$pages"
}

build_all()
{
	local options=(-Dbuildtype=release -Dauto_features=enabled)
	if [ ! -e "$build/build.ninja" ]; then
		! dpdk_has_driver_headers || options+=(-Denable_driver_sdk=true)
		meson setup "$build" "$top" "${options[@]}"
	fi
	ninja -C "$build" -j"${FIDO_JOBS:-$(nproc)}"
}

# Print what is missing; true when nothing is.
check()
{
	local missing ok=0
	mapfile -t missing < <(missing_packages)
	if [ ${#missing[@]} -gt 0 ]; then
		say "missing packages: ${missing[*]}"
		ok=1
	fi
	if ! headers_are_current; then
		say "missing: DPDK's driver headers in $headers"
		ok=1
	fi
	if [ -n "$(dpdk_version)" ] && ! examples_are_current; then
		say "missing: DPDK's examples in $examples"
		ok=1
	fi
	if ! fio_headers_are_current; then
		say "missing: fio's headers in $fio_headers"
		ok=1
	fi
	if [ "$hugepages" = 1 ] && ! hugepages_are_enough "$(default_hugepages_mb)"; then
		say "missing: $(default_hugepages_mb) MB of 2 MiB pages and their mount on /dev/hugepages"
		ok=1
	fi
	[ $ok != 0 ] || say "nothing is missing"
	return $ok
}

hugepages=1
xen=0
vm=0
lint=0
want_build=0
want_check=0
while [ $# -gt 0 ]; do
	case $1 in
	--build) want_build=1 ;;
	--no-hugepages) hugepages=0 ;;
	--xen) xen=1 ;;
	--vm) vm=1 ;;
	--packages) lint=1 ;;
	--check) want_check=1 ;;
	--raise-hugepages)
		[[ ${2:-} =~ ^[0-9]+$ ]] || die "--raise-hugepages needs a number of MB"
		raise_hugepages "$2"
		exit 0
		;;
	--dpdk)
		[ $# -le 2 ] || [ "$3 $#" = "--dpdk-source 4" ] || die "--dpdk VERSION takes --dpdk-source DIR and nothing else"
		exec "$top/test/dpdk/build.sh" "${2:-}" ${4:+"$4"}
		;;
	-h | --help)
		usage
		exit 0
		;;
	*)
		usage >&2
		die "unknown option '$1'"
		;;
	esac
	shift
done

command -v dpkg-query >/dev/null || die "cannot install packages: this is not Debian." \
	"Install these by hand: ${packages[*]} and DPDK 22.11 with -Denable_driver_sdk=true"
if [ $want_check = 1 ]; then
	check
	exit
fi
mkdir -p "$build"
install_packages
fetch_missing
[ $hugepages = 0 ] || raise_hugepages "$(default_hugepages_mb)"
[ $want_build = 0 ] || build_all
