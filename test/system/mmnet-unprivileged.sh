#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Proves: without any privilege and without hugepages the driver works, by pointer as always, in the
# user's own folder; what is unavailable (2 MiB pages for the arena) is logged once, with what to
# do.
#
#	testpmd txonly ==> testpmd rxonly      both as user nobody, with --no-huge
#	gen ==> echo, gen <== echo             likewise; with and without XDG_RUNTIME_DIR
set -eu
# shellcheck source=test/system/mmnet.bash
. "$(dirname "$0")/mmnet.bash"
[ "$(id -u)" = 0 ] || skip "starts processes as user nobody: run it as root"
unset FIDO_RUNDIR
nobody=65534

# Other users may have no access to the build folder.
bin=$(mktemp -d /run/fido-nobody.XXXXXX)
chmod 755 "$bin"
home=$(mktemp -d /tmp/fido-nobody.XXXXXX)
chown $nobody:$nobody "$home"
# Without XDG_RUNTIME_DIR: what the user's processes create, EAL's files included.
fallback=/tmp/fido-$nobody
had_fallback=$([ ! -e "$fallback" ] || echo yes)
clean()
{
	rm -rf "$bin" "$home" "/tmp/dpdk/$lib_id"-*
	[ -n "$had_fallback" ] || rm -rf "$fallback"
	rmdir /tmp/dpdk 2>/dev/null || true
}
at_exit clean
lib_find_driver
cp "$mmnet_driver" "$FIDO_BUILD/test/system/helpers/pktcheck" "$bin/"

# as_nobody NAME COMMAND [EAL...] -- [APP...]; with XDG_RUNTIME_DIR=$xdg
xdg=
as_nobody()
{
	local name=$1 command=$2
	shift 2
	start "$name" setpriv --reuid=$nobody --regid=$nobody --clear-groups --inh-caps=-all --no-new-privs \
		env ${xdg:+"XDG_RUNTIME_DIR=$xdg"} stdbuf -oL "$command" --no-huge -m 128 --no-pci \
		--file-prefix "$lib_id-$name" -d "$bin/librte_net_mmnet.so" "$@"
}

# content FOLDER
content()
{
	as_nobody echo "$bin/pktcheck" "$(on 1)" "$(dev 0 echo gen rx=zero)" -- --mode echo --expect 20000
	as_nobody gen "$bin/pktcheck" "$(on 0)" "$(dev 0 gen echo rx=zero)" -- --mode gen --return yes --count 20000 \
		--size 60-1514 --mbufs 4096
	wait_for 20 "[ -S '$1/$fido_group/echo.sock' ]" || fail "no group in $1: $(tail -n 5 "$(log_of echo)")"
	finish gen 40
	finish echo 10
	expect_received gen 20000
	expect_received echo 20000
	expect_no_copies gen 0
	expect_no_copies echo 0
	expect_stat gen 0 tx_zero_copy_packets 20000
	[ ! -e "$1/$fido_group" ] || fail "left behind: $1/$fido_group"
}

unset XDG_RUNTIME_DIR
echo "--- with XDG_RUNTIME_DIR"
xdg=$home
content "$home/fido"
echo "--- without"
xdg=
content "$fallback"
expect_eq "$(stat -c %u:%a "$fallback")" "$nobody:750" "owner and mode of $fallback"

echo "--- a folder in /tmp that somebody else made is not trusted"
mv "$fallback" "$home/mine"
mkdir -m 777 "$fallback"
as_nobody bad "$bin/pktcheck" "$(on 0)" "$(dev 0 echo gen)" -- --mode sink --duration 0.1
finish bad 20 1
grep -q "mmnet: cannot use folder $fallback: .*: make it writable for this user, or set FIDO_RUNDIR" "$(log_of bad)" ||
	fail "no message: $(tail -n 5 "$(log_of bad)")"
rmdir "$fallback"
mv "$home/mine" "$fallback"

# The largest possible arena, unless this machine has that much memory.
if [ "$(awk '/^MemTotal:/ { print int($2 / 1048576) }' /proc/meminfo)" -lt 64 ]; then
	echo "--- an arena larger than all the memory there is"
	as_nobody bad "$bin/pktcheck" "$(on 0)" "$(dev 0 echo gen arena=64G)" -- --mode sink --duration 0.1
	finish bad 20 1
	grep -q "mmnet: .*no memory for an arena of 65536 MiB: Cannot allocate memory: free some, or use a smaller arena" "$(log_of bad)" ||
		fail "no message: $(tail -n 5 "$(log_of bad)")"
fi

echo "--- testpmd; an arena larger than all the 2 MiB pages there are"
xdg=$home
pmd=$(command -v dpdk-testpmd)
arena=$(($(free_hugepages_mb) + 64))
as_nobody rx "$pmd" "$(on2 1)" "$(dev 0 rx tx arena=${arena}M)" -- --forward-mode=rxonly --total-num-mbufs=8192 \
	--stats-period 1
as_nobody tx "$pmd" "$(on2 0)" "$(dev 0 tx rx arena=${arena}M)" -- --forward-mode=txonly --total-num-mbufs=8192 \
	--stats-period 1
# testpmd prints each second: "RX-packets: 1234".
wait_for 40 "grep -Eaq 'RX-packets: [1-9][0-9]{3}' '$(log_of rx)'" || fail "rx receives nothing: $(tail -n 30 "$(log_of rx)")"
for name in rx tx; do
	expect_eq "$(grep -c "mmnet: .*no free 2 MiB pages for an arena of $arena MiB, using ordinary pages: echo N > /proc/sys/vm/nr_hugepages, .*or pass hugepages=off" \
		"$(log_of $name)")" 1 "$name: warnings"
	stop $name
done
[ ! -e "$home/fido/$fido_group" ] || fail "left behind: $home/fido/$fido_group"
