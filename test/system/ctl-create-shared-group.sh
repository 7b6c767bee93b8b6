#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Proves: the recipe of doc/fido-ctl.md for several users: root creates a group for a Unix group
# (fido-ctl create), then two of its users exchange packets by pointer, whatever their umask; others
# are refused with that recipe; root sees everything; the group stays after the last domain has
# left, until fido-ctl destroy. A folder that already belongs to a Unix group works the same.
#
#	gen (alice) ==> echo (bob), gen <== echo
set -eu
# shellcheck source=test/system/mmnet.bash
. "$(dirname "$0")/mmnet.bash"
[ "$(id -u)" = 0 ] || skip "starts processes as other users: run it as root"
ctl=$FIDO_BUILD/apps/fido-ctl/fido-ctl
alice=61001 bob=61002 mallory=61003 friends=61000

bin=$(mktemp -d /run/fido-shared.XXXXXX)
chmod 755 "$bin"
export FIDO_RUNDIR=$bin/run
clean()
{
	rm -rf "$bin"
}
at_exit clean
lib_find_driver
cp "$mmnet_driver" "$FIDO_BUILD/test/system/helpers/pktcheck" "$ctl" "$bin/"

# EAL's own files.
for user in $alice $bob $mallory; do
	mkdir -m 700 "$bin/xdg-$user"
	chown $user "$bin/xdg-$user"
done

# as USER GROUPS COMMAND...: without any privilege
as()
{
	local user=$1 groups=$2
	shift 2
	setpriv --reuid="$user" --regid="$user" --groups="$groups" --inh-caps=-all --no-new-privs "$@"
}

# start_as NAME USER GROUPS UMASK [EAL...] -- [APP...]: pktcheck
start_as()
{
	local name=$1 user=$2 groups=$3 mask=$4
	shift 4
	start "$name" setpriv --reuid="$user" --regid="$user" --groups="$groups" --inh-caps=-all --no-new-privs \
		env "XDG_RUNTIME_DIR=$bin/xdg-$user" bash -c "umask $mask; exec \"\$@\"" - stdbuf -oL "$bin/pktcheck" --no-huge -m 128 \
		--no-pci --file-prefix "$lib_id-$name" -d "$bin/librte_net_mmnet.so" "$@"
}

# exchange UMASK OF-BOB OF-ALICE
exchange()
{
	start_as echo $bob $friends "$1" "$(on 1)" "$(dev 0 echo gen rx=zero)" -- --mode echo --expect 20000
	wait_for 20 "[ -S '$FIDO_RUNDIR/$fido_group/echo.sock' ]" || fail "no domain: $(tail -n 5 "$(log_of echo)")"
	start_as gen $alice $friends "$2" "$(on 0)" "$(dev 0 gen echo rx=zero)" -- --mode gen --return yes --count 20000 \
		--size 60-1514 --mbufs 4096
	finish gen 40
	finish echo 10
	expect_received gen 20000
	expect_received echo 20000
	expect_no_copies gen 0
	expect_no_copies echo 0
}

shows_both()
{
	[ "$("$@" list --json --group "$fido_group" | jq '[.domains[] | select(.state == "alive")] | length')" = 2 ]
}

echo "--- fido-ctl create: two users, whatever their umask"
echo_run "$ctl" create "$fido_group" --gid $friends
for masks in "022 022" "077 077" "007 077"; do
	# shellcheck disable=SC2086
	exchange $masks
	[ -d "$FIDO_RUNDIR/$fido_group" ] || fail "the group went with its last domain"
done

echo "--- both, and root, can look at it"
start_as echo $bob $friends 077 "$(on 1)" "$(dev 0 echo gen rx=zero)" -- --mode sink --timeout 0
start_as gen $alice $friends 077 "$(on 0)" "$(dev 0 gen echo rx=zero)" -- --mode sink --timeout 0
wait_for 20 "[ -S '$FIDO_RUNDIR/$fido_group/gen.sock' ]" || fail "no domain: $(tail -n 5 "$(log_of gen)")"
wait_for 20 "shows_both '$ctl'" || fail "root does not see both: $("$ctl" list --group "$fido_group")"
wait_for 20 "shows_both as $alice $friends '$bin/fido-ctl'" || fail "alice does not see both"

echo "--- it is not removed under them, and others are refused"
if "$ctl" destroy "$fido_group" 2>"$lib_dir/err"; then
	fail "removed"
fi
grep -q "stop them first" "$lib_dir/err" || fail "$(cat "$lib_dir/err")"
start_as other $mallory $mallory 022 "$(on 0)" "$(dev 0 other echo rx=zero)" -- --mode sink --timeout 0
finish other 20 1
grep -q "fido-ctl create GROUP --gid NAME" "$(log_of other)" || fail "no recipe: $(cat "$(log_of other)")"
stop echo
stop gen

echo "--- destroy"
echo_run "$ctl" destroy "$fido_group"
[ ! -e "$FIDO_RUNDIR/$fido_group" ] || fail "left behind"

echo "--- a place that is for a Unix group (setgid, group-writable) needs no create"
chgrp $friends "$FIDO_RUNDIR"
chmod 2770 "$FIDO_RUNDIR"
exchange 022 077

echo "--- root looks at a user's own folder"
FIDO_RUNDIR=/tmp/$lib_id-bob
at_exit 'rm -rf "/tmp/$lib_id-bob"'
start_as echo $bob $bob 077 "$(on 1)" "$(dev 0 echo gen rx=zero)" -- --mode sink --timeout 0
wait_for 20 "[ -S '$FIDO_RUNDIR/$fido_group/echo.sock' ]" || fail "no domain: $(tail -n 5 "$(log_of echo)")"
"$ctl" list --group "$fido_group" | matches "^echo  *alive" || fail "root does not see it"
stop echo
