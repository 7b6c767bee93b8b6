#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Builds a later DPDK than Debian 12 has, for the tests on it: shared libraries, the drivers and programs that the tests
# use. Once: it stays in a cache folder. The source is Debian's source package of the release that has that version, or
# a tree of the caller's own.
#
#   build.sh VERSION [SOURCE]     24.11 or 25.11; prints the folder that it is installed in
#
# Environment: FIDO_CACHE, the cache folder (default: root's is /var/cache/fido, which other users can read as some tests
# need; theirs $XDG_CACHE_HOME/fido or ~/.cache/fido); FIDO_JOBS
set -eu -o pipefail

# shellcheck source=test/apt.sh
. "$(dirname "${BASH_SOURCE[0]}")/../apt.sh"
cache=${XDG_CACHE_HOME:-$HOME/.cache}/fido
[ "$(id -u)" != 0 ] || cache=/var/cache/fido
cache=${FIDO_CACHE:-$cache}
# Which release of Debian has which version.
declare -A suites=([24.11]=trixie [25.11]=sid)
drivers=bus/vdev,bus/pci,mempool/ring,net/bonding,net/memif,net/null,net/pcap,net/ring,net/tap,net/vhost,net/virtio
programs=test-pmd,dumpcap,pdump,proc-info
# What these need, beside what is always built.
libraries=acl,bitratestats,bpf,cryptodev,dmadev,eventdev,fib,gro,gso,hash,ip_frag,latencystats,lpm,meter,metrics,pcapng,pdump,power,rcu
libraries+=,reorder,rib,sched,security,stack,timer,vhost
options=(
	-Dbuildtype=release -Dplatform=generic -Ddefault_library=shared -Dtests=false -Denable_driver_sdk=true
	-Ddeveloper_mode=disabled "-Denable_drivers=$drivers" "-Denable_apps=$programs" "-Denable_libs=$libraries"
)

say()
{
	printf 'dpdk: %s\n' "$*" >&2
}

die()
{
	say "$*"
	exit 1
}

# Debian's source package, unpacked as DIR/source.
fetch_source()
{
	local version=$1 dir=$2
	say "fetching the source of dpdk $version"
	apt_lists_of "$dir" "${suites[$version]}"
	apt_source "$dir" update >>"$log" 2>&1 </dev/null ||
		die "cannot read the list of sources of ${suites[$version]} (log: $log)"
	apt_source "$dir" source --download-only dpdk >>"$log" 2>&1 </dev/null ||
		die "cannot fetch the source of dpdk $version: the package server does not have it (log: $log): give a source" \
			"tree: setup.sh --dpdk $version --dpdk-source DIR"
	dpkg-source --no-check -x "$dir"/dpdk_*.dsc "$dir/source" >>"$log" 2>&1 || die "cannot unpack it (log: $log)"
}

# A version is built with these options; otherwise it is built anew.
stamp()
{
	echo "$1 ${options[*]}"
}

is_built()
{
	[ -e "$prefix/stamp" ] && [ "$(cat "$prefix/stamp")" = "$(stamp "$1")" ]
}

build()
{
	local version=$1 source=$2 work=$3 have
	have=$(cat "$source/VERSION" 2>/dev/null) || die "$source is no source tree of DPDK: it has no file VERSION"
	[[ $have = "$version".* ]] || die "$source has version $have, not $version"
	say "building dpdk $have: this takes some minutes"
	rm -rf "$prefix"
	# Debian's Python, which has the modules that the build needs.
	PATH=/usr/bin:$PATH meson setup "$work/build" "$source" --prefix="$prefix" --libdir=lib "${options[@]}" \
		-Dc_link_args="-Wl,-rpath,$prefix/lib" >>"$log" 2>&1 || die "it cannot be configured (log: $log)"
	PATH=/usr/bin:$PATH ninja -C "$work/build" -j"${FIDO_JOBS:-$(nproc)}" install >>"$log" 2>&1 || die "it does not build (log: $log)"
}

version=${1:-}
[ -n "${suites[${version:-none}]:-}" ] || die "give one of the versions ${!suites[*]}, not '$version'"
prefix=$cache/dpdk-$version
if is_built "$version"; then
	echo "$prefix"
	exit 0
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$cache"
# It outlives the work folder: messages name it.
log=$prefix.log
: >"$log"
source=${2:-}
if [ -z "$source" ]; then
	source=$work/source
	fetch_source "$version" "$work"
fi
build "$version" "$(realpath "$source")" "$work"
stamp "$version" >"$prefix/stamp"
echo "$prefix"
