#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Proves: for any wrong device argument, name, folder or configuration there is a message that says
# what to do; the process fails or goes on as documented, never crashes, and leaves nothing behind.
#
#	pktcheck, alone or with one peer; most of the time its port is not created
set -eu
# shellcheck source=test/system/mmnet.bash
. "$(dirname "$0")/mmnet.bash"
eal_memory=(--no-huge -m 128)

# ended NAME: it exited by itself, with status 1
ended()
{
	finish "$1" 40 1
}

# says NAME PATTERN
says()
{
	grep -Eaq "$2" "$(log_of "$1")" || fail "no message like '$2': $(tail -n 6 "$(log_of "$1")")"
}

nothing_left()
{
	expect_eq "$(find "$FIDO_RUNDIR" -mindepth 1 | head -n 5)" "" "left in the groups' folder after: $1"
}

# refused PATTERN ARGUMENTS [OPTION...]: a sink with such a port
refused()
{
	local pattern=$1 args=$2
	shift 2
	pktcheck bad "$(on 0)" "--vdev=net_mmnet0${args:+,$args}" -- --mode sink --duration 0.1 "$@"
	ended bad
	says bad "mmnet: .*$pattern"
	nothing_left "$args"
}

echo "--- device arguments"
ok=group=$fido_group,domain=a,peer=b
refused 'group=, domain= and peer= are needed: e\.g\. --vdev=' ''
refused 'are needed' "group=$fido_group,domain=a"
refused 'are needed' "group=$fido_group,peer=b"
refused 'are needed' "domain=a,peer=b"
refused 'unknown .*known keys: group domain peer' "$ok,colour=red"
refused 'rx=: give auto, copy, header or zero' "$ok,rx"
refused 'rx=fast: give auto, copy, header or zero' "$ok,rx=fast"
refused 'group=: give a group' "group=,domain=a,peer=b"
refused 'domain=: give ' "group=$fido_group,domain=,peer=b"
refused 'peer=: give ' "group=$fido_group,domain=a,peer="
refused 'link=: give ' "$ok,link="
for size in 12 64X -1 128G many 0x; do
	refused "arena=$size: give a size from 64K to 64G" "$ok,arena=$size"
done
refused 'hugepages=perhaps: give on or off' "$ok,hugepages=perhaps"
for mac in 02:00 zz:00:00:00:00:01 01:00:00:00:00:01 00:00:00:00:00:00; do
	refused "mac=$mac: give a unicast address" "$ok,mac=$mac"
done
refused 'base=top: give ' "$ok,base=top"
for size in 3M 8M 8T x; do
	refused "slot_size=$size: give a power of two from 16M to 4T" "$ok,slot_size=$size"
done
for slots in 1 65 none; do
	refused "slots=$slots: give a number from 2 to 64" "$ok,slots=$slots"
done
long=$(printf 'n%.0s' {1..40})
refused 'names are 1 to 31 of|domain=n+: give .*at most 31 characters' "group=$fido_group,domain=$long,peer=b"
refused 'names are 1 to 31 of' "group=$fido_group,domain=a/b,peer=b"
refused 'names are 1 to 31 of' "group=..,domain=a,peer=b"
refused 'names are 1 to 31 of' "group=$fido_group,domain=a,peer=b%b"
refused 'names are 1 to 31 of' "$ok,link=.x"
refused 'a link needs another domain as its peer' "group=$fido_group,domain=a,peer=a"
refused 'no such transport: use NAME, host:NAME, vm:NAME or xen:NAME' "group=pigeon:$fido_group,domain=a,peer=b"
refused 'cannot be used: give a base|address range' "$ok,base=0x7fffffff0000"

echo "--- rx=header without scattered Rx"
refused 'rx=header needs scattered Rx: enable it .*or use rx=auto' "$ok,rx=header"

echo "--- a peer that does not exist: the link stays down, nothing is sent, that is all"
pktcheck lonely "$(on 0)" "$(dev 0 lonely nobody)" -- --mode gen --no-link-wait --duration 0.5 --mbufs 1024
finish lonely 20
expect_eq "$(result lonely '[.tx_packets, .ports[0].link, .ports[0].xstats.tx_good_packets, .mbufs_missing] | map(tostring) |
	join(" ")')" "0 0 0 0" "sent, link, counted, missing"
! grep -av '^{' "$(log_of lonely)" | grep -iE 'error|cannot' || fail "it complains"
nothing_left "a lonely domain"

echo "--- a name that is taken"
pktcheck first "$(on 0)" "$(dev 0 first second)" -- --mode sink --timeout 0
up first
pktcheck bad "$(on 1)" "$(dev 0 first second)" -- --mode sink --duration 0.1
ended bad
says bad "there is a domain first already: choose another name \(domain=NAME\), or stop that one"
is_running first || fail "the first one exited with it"
pktcheck second "$(on 1)" "$(dev 0 second first)" -- --mode gen --count 1000
finish second 20
stop first
expect_received first 1000
nothing_left "a name that is taken"

echo "--- two ports that do not fit together: the first one works"
# beside PATTERN ARGUMENTS: a second port of a process
beside()
{
	pktcheck two "$(on 0)" "$(dev 0 two peer)" "--vdev=net_mmnet1,$2" -- --mode sink --timeout 0
	up two
	says two "mmnet: .*$1"
	expect_eq "$(telemetry two /ethdev/list)" '{"/ethdev/list": [0]}' "ports"
	pktcheck peer "$(on 1)" "$(dev 0 peer two)" -- --mode gen --count 1000
	finish peer 20
	stop two
	expect_received two 1000
	nothing_left "$2"
}
beside 'give all mmnet ports of a process the same group and domain' "group=$fido_group-other,domain=two,peer=b"
beside 'give all mmnet ports of a process the same group and domain' "group=$fido_group,domain=three,peer=b"
beside 'has a link 0 to peer already: give this one another name \(link=NAME\)' "group=$fido_group,domain=two,peer=peer"

echo "--- attached at run time"
testpmd pmd "$(on2 0)" --vdev=net_null0 -- --total-num-mbufs=2048
for bad in rx=fast domain=a/b colour=red; do
	testpmd_cmd pmd "port attach net_mmnet7,group=$fido_group,domain=a,peer=b,$bad" >"$lib_dir/answer" 2>&1
	grep -q "mmnet: .*$bad\|mmnet: .*names are" "$lib_dir/answer" || fail "no message from port attach with $bad"
	nothing_left "port attach with $bad"
done
testpmd_cmd pmd "show port info 0" | matches net_null || fail "testpmd does not work any more"
stop pmd

echo "--- another layout version"
mkdir "$FIDO_RUNDIR/$fido_group"
printf 'fido 99\nbase 0x110000000000\nslot_shift 40\nslots 64\n' >"$FIDO_RUNDIR/$fido_group/group"
exec {lock}>"$FIDO_RUNDIR/$fido_group/slot.0"
echo "other 1 1" >&$lock
flock $lock
pktcheck bad "$(on 0)" "--vdev=net_mmnet0,$ok" -- --mode sink --duration 0.1
ended bad
says bad "has layout version 99, this libfido has [0-9]+: use the same version of Fido in all domains"
[ -e "$FIDO_RUNDIR/$fido_group/group" ] || fail "it removed the folder of a group that lives"
exec {lock}>&-
rm -r "${FIDO_RUNDIR:?}/$fido_group"

echo "--- another layout than the group's"
pktcheck first "$(on 0)" "$(dev 0 first second slots=8)" -- --mode sink --timeout 0
up first
pktcheck bad "$(on 1)" "$(dev 0 second first slots=16)" -- --mode sink --duration 0.1
ended bad
says bad "leave these options out, or give the same"
pktcheck second "$(on 1)" "$(dev 0 second first)" -- --mode gen --count 1000
finish second 20
stop first
expect_received first 1000

echo "--- a full disk"
if mount -t tmpfs -o size=64k,mode=700 fido-test "$FIDO_RUNDIR" 2>/dev/null; then
	at_exit "! mountpoint -q '$FIDO_RUNDIR' || umount '$FIDO_RUNDIR'"
	# With room for so many more pages: for the layout, for the slot...
	for pages in 0 1 2; do
		dd if=/dev/zero of="$FIDO_RUNDIR/full" bs=4096 count=$((16 - pages)) 2>/dev/null || true
		pktcheck bad "$(on 0)" "--vdev=net_mmnet0,$ok" -- --mode sink --duration 0.1
		wait_for 40 "! is_running bad"
		if grep -q '"app":"pktcheck"' "$(log_of bad)"; then
			finish bad 1 0
			echo "with $pages pages of room it works"
		else
			ended bad
			says bad "No space left on device.*free some space|No space left on device.*or free space"
		fi
		rm "$FIDO_RUNDIR/full"
		nothing_left "a full disk, $pages pages"
	done
	umount "$FIDO_RUNDIR"
else
	echo "(cannot mount a tmpfs here: left out)"
fi

echo "--- a folder that this user may not write to"
if [ "$(id -u)" = 0 ]; then
	copy=$(mktemp -d /run/fido-nobody.XXXXXX)
	at_exit "rm -rf '$copy' /tmp/dpdk/$lib_id-*; rmdir /tmp/dpdk 2>/dev/null"
	chmod 755 "$copy"
	lib_find_driver
	cp "$mmnet_driver" "$FIDO_BUILD/test/system/helpers/pktcheck" "$copy/"
	chmod 700 "$FIDO_RUNDIR"
	start bad setpriv --reuid=65534 --regid=65534 --clear-groups env -u XDG_RUNTIME_DIR "$copy/pktcheck" --no-huge \
		-m 64 --no-pci --no-telemetry --file-prefix "$lib_id-bad" -d "$copy/librte_net_mmnet.so" "$(on 0)" \
		"--vdev=net_mmnet0,$ok" -- --mode sink --duration 0.1
	ended bad
	says bad "cannot use folder .*(Permission denied|Operation not permitted): make it writable for this user, or set FIDO_RUNDIR"
	nothing_left "no permission"
fi
