#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Implement xenstore-exists, -read, -ls -f, -list, -write, -rm and -chmod, and `xl domid`, on a
# folder instead of xenstored: each node is a folder with its value in .value and its permissions in
# .perms. Called by links of these names.
#
#   FAKE_XENSTORE        the folder
#   FAKE_XENSTORE_PERMS  permissions that a node holds (16, as xenstore-chmod)
set -eu

store=$FAKE_XENSTORE

die()
{
	echo "${0##*/}: $*" >&2
	exit 1
}

# xenstored accepts no other paths.
check_path()
{
	case $1 in
	@releaseDomain | /) return ;;
	*[!A-Za-z0-9/_@-]* | *//* | */ | [!/]*) die "invalid path '$1'" ;;
	esac
}

# With its parents; a new node inherits its parent's permissions.
make_node()
{
	[ ! -d "$store$1" ] || return 0
	make_node "${1%/*}"
	mkdir "$store$1"
	: >"$store$1/.value"
	cp "$store${1%/*}/.perms" "$store$1/.perms"
}

set_perms()
{
	node=$1
	shift
	[ -d "$store$node" ] || die "Error occurred setting permissions on '$node'"
	[ $# -le "${FAKE_XENSTORE_PERMS:-16}" ] || die "too many permissions"
	for perm in "$@"; do
		case $perm in [nrwb]*[!0-9]* | [!nrwb]* | ?) die "invalid permission '$perm'" ;; esac
	done
	echo "$*" >"$store$node/.perms"
}

chmod_node()
{
	recurse=
	if [ "$1" = -r ]; then
		recurse=1
		shift
	fi
	check_path "$1"
	path=$1
	shift
	set_perms "/${path#/}" "$@"
	[ -n "$recurse" ] || return 0
	find "$store$path" -mindepth 1 -type d | while read -r below; do
		echo "$*" >"$below/.perms"
	done
}

if [ ! -d "$store/@releaseDomain" ]; then
	mkdir -p "$store/@releaseDomain"
	: >"$store/.value"
	echo n0 >"$store/.perms"
	echo n0 >"$store/@releaseDomain/.perms"
fi
case ${0##*/} in
xl)
	[ "$1" = domid ] || die "unknown command $1"
	grep -lx "$2" "$store"/local/domain/*/name/.value 2>/dev/null | sed 's,.*/domain/\(.*\)/name/.*,\1,' | grep . ;;
xenstore-exists) check_path "$1" && [ -e "$store$1/.value" ] ;;
xenstore-read)
	for path in "$@"; do
		check_path "$path" && cat "$store$path/.value" 2>/dev/null || die "couldn't read path $path"
	done ;;
xenstore-ls)
	check_path "$2"
	[ "$1" = -f ] && [ -d "$store$2" ] || die "xs_directory ($2): No such file or directory"
	find "$store$2" -mindepth 1 -type d | sort | while read -r path; do
		printf '%s = "%s"\n' "${path#"$store"}" "$(cat "$path/.value")"
	done ;;
xenstore-list)
	check_path "$1"
	[ -d "$store$1" ] || die "could not list path $1"
	find "$store$1" -mindepth 1 -maxdepth 1 -type d ! -name '@*' | sed 's,.*/,,' | sort ;;
xenstore-write)
	while [ $# -gt 1 ]; do
		check_path "$1" && make_node "$1" && echo "$2" >"$store$1/.value"
		shift 2
	done ;;
xenstore-rm)
	check_path "$1"
	[ -d "$store$1" ] || die "could not remove path $1"
	rm -r "${store:?}$1" ;;
xenstore-chmod) chmod_node "$@" ;;
*) die "called by an unknown name" ;;
esac
