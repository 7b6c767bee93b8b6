#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Proves: each installed program has a man page without errors. It lists the same options as the
# program's --help and as the program's own option table; likewise commands, the nbdkit plugin's
# parameters, the fio engine's options, and the device arguments of the DPDK driver.
set -eu -o pipefail
# shellcheck source=test/lib.sh
. "$(dirname "$0")/../lib.sh"
apps=$FIDO_BUILD/apps

command -v mandoc >/dev/null || fail "there is no mandoc: run setup.sh"

# same WHAT HELP PAGE: two lists of words
same()
{
	[ -n "$2" ] || fail "$1: --help has none"
	[ "$2" = "$3" ] || fail "$1: <: --help only; >: the other only: $(diff <(echo "$2") <(echo "$3") | grep '^[<>]')"
}

# Options at the beginning of lines of a --help.
help_options()
{
	sed -n '/^  -/p' | grep -oE -- '(^|[ ,(])--?[a-z][a-z-]*' | tr -d ' ,(' | sort -u
}

page_options()
{
	sed -n '/^\.It Fl /p' "$1" | grep -oE 'Fl -?[a-z][a-z-]*' | sed 's/^Fl /-/' | sort -u
}

page_commands()
{
	sed -nE 's/^\.It Cm ([a-z]+)$/\1/p' "$1" | sort
}

table_options()
{
	sed -nE 's/^\t\{"([a-z-]+)", [a-z]+_argument,.*/--\1/p' "$1" | sort
}

# check PAGE HELP...: compare it with what the command prints
check()
{
	local page=$1 name help
	name=$(basename "$page")
	name=${name%.*}
	shift
	echo "+ $name"
	mandoc -Tlint -W warning "$page" || fail "$page: see above"
	help=$("$@") || fail "$name: no --help"
	same "options of $page" "$(help_options <<<"$help")" "$(page_options "$page")"
	[ ! -e "$(dirname "$page")/options.c" ] || same "long_options of $name" "$(help_options <<<"$help" | grep '^--')" \
		"$(table_options "$(dirname "$page")/options.c")"
	checked+=("$name")
}

checked=()
cd "$FIDO_TOP"
check apps/fido-fwd/fido-fwd.1 "$apps/fido-fwd/fido-fwd" -- --help
check apps/fido-ctl/fido-ctl.1 "$apps/fido-ctl/fido-ctl" --help
check apps/fido-blkd/fido-blkd.8 "$apps/fido-blkd/fido-blkd" --help
check apps/fido-blk-mount/fido-blk-mount.8 "$apps/fido-blk-mount/fido-blk-mount" --help
check apps/fido-blk-perf/fido-blk-perf.1 "$apps/fido-blk-perf/fido-blk-perf" --help
check apps/xen/fido-group.8 apps/xen/fido-group --help
check apps/fido-vmd/fido-vmd.8 "$apps/fido-vmd/fido-vmd" --help

same "commands of fido-ctl" "$("$apps/fido-ctl/fido-ctl" --help | sed -nE '/^commands:/,/^options:/s/^  ([a-z]+) .*/\1/p' | sort)" \
	"$(page_commands apps/fido-ctl/fido-ctl.1)"
same "commands of fido-vmd" "$("$apps/fido-vmd/fido-vmd" --help | sed -nE '/^commands:/,/^options:/s/^  ([a-z]+) .*/\1/p' | sort)" \
	"$(page_commands apps/fido-vmd/fido-vmd.8)"
same "commands of fido-group" "$(apps/xen/fido-group --help | sed -nE 's/^(usage:|      ) [^ ]*fido-group ([a-z]+) .*/\2/p' | sort)" \
	"$(page_commands apps/xen/fido-group.8)"

page=drivers/blk/nbdkit/nbdkit-fido-plugin.1
echo "+ nbdkit-fido-plugin"
mandoc -Tlint -W warning $page || fail "$page: see above"
same "parameters of $page" "$(nbdkit "$nbdkit_plugin" --help | sed -nE 's/^\[?([a-z]+=)\]?<.*/\1/p' | sort)" \
	"$(sed -nE 's/^\.It (Oo )?Cm ([a-z]+=).*/\2/p' $page | sort)"

page=drivers/blk/fio/fio_fido.7
echo "+ fio_fido"
mandoc -Tlint -W warning $page || fail "$page: see above"
same "options of $page" "$(fio --enghelp="$FIDO_BUILD/drivers/blk/fio/fio_fido.so" | sed -nE 's/^([a-z_]+) +: .*/\1/p' | sort)" \
	"$(sed -nE 's/^\.It Cm ([a-z_]+)= .*/\1/p' $page | sort)"

# A driver lists its arguments when it is given an unknown one: NAME PATH FIRST
check_driver()
{
	local name=$1 path=$2 first=$3 page arguments
	page=drivers/net/${name}_pmd/net_$name.7
	echo "+ net_$name"
	mandoc -Tlint -W warning "$page" || fail "$page: see above"
	arguments=$(RUNTIME_DIRECTORY=$lib_dir "$apps/fido-fwd/fido-fwd" --no-pci --no-huge --no-shconf --no-telemetry -m 64 -l 0 \
		-d "$path" --vdev="net_${name}0,no=such" -- --map 0:0 2>&1 | sed -n 's/.*known keys: //p' | xargs -n 1 | sort) || true
	same "device arguments of $page" "$arguments" "$(sed -nE 's/^\.It Cm ([a-z_]+) Ns = Ns .*/\1/p' "$page" | sort)"
	same "device arguments that $path names to tools" "$arguments" \
		"$(grep -aoE "$first [^[:cntrl:]]*" "$path" | grep -oE '[a-z_]+=' | tr -d = | sort)"
}
lib_find_driver
check_driver mmnet "$mmnet_driver" 'group=<name>'
check_driver vtap "$vtap_driver" 'iface=<name>'

# A new program needs a page.
for path in $(meson introspect --installed "$FIDO_BUILD" | jq -r '.[] | select(test("/s?bin/"))'); do
	printf '%s\n' "${checked[@]}" | matches -x "${path##*/}" || fail "${path##*/} has no man page that is looked at here"
	meson introspect --installed "$FIDO_BUILD" | jq -r '.[]' | matches "/man[18]/${path##*/}\.[18]$" ||
		fail "the man page of ${path##*/} is not installed"
done
