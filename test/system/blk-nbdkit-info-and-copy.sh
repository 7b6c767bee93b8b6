#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Proves: NBD clients see a volume's real properties, and data copied to it comes back the same,
# over any number of connections; a volume that cannot be served is refused when nbdkit starts, with
# a message that says what to do; an nbdkit without clients does nothing at all.
#
#	nbdinfo, nbdcopy --NBD--> nbdkit ==> fido-blkd: a file, memory, a file that is read-only
set -eu
# shellcheck source=test/system/blk-nbdkit.bash
. "$(dirname "$0")/blk-nbdkit.bash"

# says KEY WANT VOLUME: what nbdinfo reports
says()
{
	expect_eq "$(nbdinfo --json "$(nbd_uri nbdkit "$3")" | jq -r ".exports[0][\"$1\"]")" "$2" "$3: $1"
}

# refused TEXT ARG...: nbdkit must not start, and must say so on stderr, even if it would go into
# the background
refused()
{
	local text=$1 status=0
	shift
	echo "+ nbdkit fido $*"
	timeout -k 1 20 nbdkit -U "$work/refused.sock" -P "$work/refused.pid" "$nbdkit_plugin" "$@" >"$work/out" 2>&1 || status=$?
	expect_eq $status 1 "exit status of nbdkit: $(cat "$work/out")"
	grep -q "$text" "$work/out" || fail "no message with '$text': $(cat "$work/out")"
	rm -f "$work/refused.sock"
}

echo "--- what cannot be served"
truncate -s 100M "$work/disk.img"
random_file "$work/rom.img" 5M
refused 'which group' volume=disk
refused 'which volume' group=none
refused 'from 1 to' group=none disk queues=0
refused 'from 1 to' group=none disk depth=100000
refused 'unknown parameter' group=none disk colour=red
refused 'stands there twice' group=none disk volume=disk
refused 'is fido-blkd running' group="$fido_group" disk timeout=1
refused 'volume.s name' group=none volume=

echo "--- what can"
backend disk "disk=file:$work/disk.img" mem=mem:64M
refused 'cannot open volume nosuch' group="$fido_group" nosuch
refused 'cannot join group' group="$fido_group" disk domain=disk
serve nbdkit disk mem
expect_eq "$(nbdinfo --list --json "$(nbd_uri nbdkit)" | jq -r '[.exports[]["export-name"]] | join(" ")')" "disk mem" "exports"
expect_eq "$(nbdinfo --size "$(nbd_uri nbdkit)")" $((100 << 20)) "size of the default export"
says export-size $((64 << 20)) mem
for volume in disk mem; do
	says is_read_only false $volume
	says can_multi_conn true $volume
	says can_flush true $volume
	says can_fua true $volume
	says can_trim true $volume
	says can_zero true $volume
	says can_fast_zero true $volume
	says is_rotational false $volume
	says block_size_minimum 1 $volume
	says block_size_preferred 4096 $volume
	says description "volume $volume of disk in Fido group $fido_group" $volume
done
! nbdinfo "$(nbd_uri nbdkit nosuch)" >"$work/out" 2>&1 || fail "there is an export that there is not"

echo "--- copies"
random_file "$work/random" 60M
for connections in 1 4; do
	for volume in disk mem; do
		echo_run nbdcopy --flush --connections=$connections "$work/random" "$(nbd_uri nbdkit $volume)"
		echo_run nbdcopy --connections=$connections "$(nbd_uri nbdkit $volume)" "$work/copy"
		expect_same "$work/random" "$work/copy" 60M
	done
	rm "$work/copy"
	random_file "$work/random" 60M
done
echo_run nbdcopy "$(nbd_uri nbdkit disk)" "$(nbd_uri nbdkit disk)"
echo_run nbdcopy --flush --request-size=4096 --requests=3 "$work/random" "$(nbd_uri nbdkit disk)"
sync "$work/disk.img"
expect_same "$work/random" "$work/disk.img" 60M
expect_eq "$(nbdcopy "$(nbd_uri nbdkit disk)" - | sha256sum)" "$(sha256sum <"$work/disk.img")" "sums"

echo "--- in the background, and for one client"
echo_run nbdkit -U "$work/daemon.sock" -P "$work/daemon.pid" "$nbdkit_plugin" "group=$fido_group" hugepages=off disk
wait_for 5 "[ -s '$work/daemon.pid' ]" || fail "the daemon wrote no pid file"
daemon=$(cat "$work/daemon.pid")
at_exit '[ -z "$daemon" ] || kill "$daemon"'
expect_eq "$(nbdcopy "nbd+unix:///?socket=$work/daemon.sock" - | sha256sum)" "$(sha256sum <"$work/disk.img")" "sums"
echo_run kill "$daemon"
wait_for 5 "! kill -0 $daemon 2>/dev/null" || fail "the daemon does not exit"
daemon=
echo_run nbdcopy -- [ nbdkit --exit-with-parent "$nbdkit_plugin" "group=$fido_group" hugepages=off disk ] "$work/copy"
expect_same "$work/disk.img" "$work/copy"

echo "--- with filters of nbdkit's"
for filters in cow 'cache --filter=cow' blocksize-policy readahead; do
	# shellcheck disable=SC2086 # words of their own
	serve filtered disk --filter=$filters
	echo_run nbdcopy "$(nbd_uri filtered)" "$work/copy"
	expect_same "$work/disk.img" "$work/copy"
	stop filtered
done

echo "--- nobody is there"
ticks()
{
	awk '{ print $14 + $15 }' "/proc/${lib_pid[nbdkit]}/stat"
}
switches()
{
	cat "/proc/${lib_pid[nbdkit]}"/task/*/status | awk '/ctxt_switches/ { n += $2 } END { print n }'
}
before_ticks=$(ticks)
before_switches=$(switches)
sleep 3
expect_ge 1 $(($(ticks) - before_ticks)) "hundredths of a second that an idle nbdkit ran for"
# The domain's control thread checks some ten times a second whether all is well.
expect_ge 100 $(($(switches) - before_switches)) "times that an idle nbdkit woke up in 3 s"
stop_sound nbdkit
stop disk

echo "--- read only"
blkd disk --hugepages off --buffers 16 --read-only "rom=file:$work/rom.img" --volume "disk=file:$work/disk.img"
serve nbdkit rom
serve reader disk readonly=true
says is_read_only true rom
expect_eq "$(nbdinfo --json "$(nbd_uri reader)" | jq '.exports[0].is_read_only')" true "readonly=true"
echo_run nbdcopy "$(nbd_uri nbdkit)" "$work/copy"
expect_same "$work/rom.img" "$work/copy"
! nbdcopy "$work/random" "$(nbd_uri reader)" >"$work/out" 2>&1 || fail "a read-only volume was written to"
stop_sound nbdkit
stop_sound reader
stop disk
