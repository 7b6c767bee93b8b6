# shellcheck shell=bash
# SPDX-License-Identifier: BSD-3-Clause
# Debian's source packages, without a change below /etc: sourced by setup.sh and test/dpdk/build.sh. All functions take a
# folder of the caller's, which holds the source lists, apt's state and what it fetches.
#
#   apt_lists FOLDER               list the sources of the machine's own packages
#   apt_lists_of FOLDER SUITE      list the sources of another release of Debian, from the machine's main server
#   apt_source FOLDER ARGUMENT...  run apt-get on these lists, in FOLDER

apt_lists()
{
	local lists=$1/lists file
	mkdir -p "$lists"
	for file in /etc/apt/sources.list.d/*.sources; do
		[ -e "$file" ] || continue
		sed -E 's/^Types:.*/Types: deb-src/I' "$file" >"$lists/${file##*/}"
	done
	for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
		[ -e "$file" ] || continue
		sed -nE 's/^[[:space:]]*deb([[:space:]])/deb-src\1/p' "$file" >"$lists/${file##*/}"
	done
	# apt reads the main list from the folder too, so its name must not be used there.
	[ ! -e "$lists/sources.list" ] || mv "$lists/sources.list" "$lists/main-sources.list"
}

apt_lists_of()
{
	local lists=$1/lists suite=$2 file
	mkdir -p "$lists"
	for file in /etc/apt/sources.list.d/*.sources; do
		[ -e "$file" ] && grep -q '^Suites:.*bookworm' "$file" || continue
		# The first paragraph: the others are of updates, which later releases have elsewhere.
		awk -v suite="$suite" '/^$/ && seen { exit }
			/^Types:/ { $0 = "Types: deb-src" } /^Suites:/ { $0 = "Suites: " suite } /^Components:/ { $0 = "Components: main" }
			{ print; seen = 1 }' "$file" >"$lists/main.sources"
	done
	[ -e "$lists/main.sources" ] || sed -nE "s/^deb(-src)? +(\[[^]]*\] +)?([^ ]+) +bookworm .*/deb-src \2\3 $suite main/p" \
		/etc/apt/sources.list | head -n 1 >"$lists/main.list"
}

apt_source()
{
	local dir=$1
	shift
	mkdir -p "$dir/state/partial" "$dir/cache/archives/partial"
	(cd "$dir" && apt-get -o Dir::Etc::sourcelist=/dev/null -o Dir::Etc::sourceparts="$dir/lists" \
		-o Dir::State::lists="$dir/state" -o Dir::Cache="$dir/cache" -o APT::Sandbox::User=root \
		-o Acquire::Languages=none "$@")
}
