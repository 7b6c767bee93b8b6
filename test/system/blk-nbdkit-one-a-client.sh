#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Proves: with one nbdkit for each client, as the systemd unit runs it, a killed client, and an
# nbdkit that dies from that, harm no other client's disk. Restarted by the unit's own command
# lines, over the socket that the dead one left, nbdkit serves the same volume with all data; a
# client that reconnects sees a pause. systemd accepts the unit.
#
#	fio, killed --NBD--> nbdkit one, dies by SIGABRT, again and again ==> fido-blkd: file a
#	qemu-io     --NBD--> nbdkit two                                   ==> file b
set -eu
# shellcheck source=test/system/blk-nbdkit.bash
. "$(dirname "$0")/blk-nbdkit.bash"
unit=$FIDO_TOP/drivers/blk/nbdkit/nbdkit-fido@.service
# nbdkit's death is intended, its core dump is not.
ulimit -c 0

# unit_command KEY INSTANCE: print a command of the unit, with this test's folders and plugin
unit_command()
{
	local line
	line=$(sed -n "s/^$1=//p" "$unit")
	[ -n "$line" ] || fail "the unit has no $1"
	line=${line//%t/$work}
	line=${line//%i/$2}
	echo "${line/ fido / \"$nbdkit_plugin\" }"
}

socket_of()
{
	echo "$work/nbdkit-fido/$1/nbd.sock"
}

uri_of()
{
	echo "nbd+unix:///?socket=$(socket_of "$1")"
}

# unit_start INSTANCE: as systemd does, but in the foreground, as a child of the test. INSTANCE is
# the volume.
unit_start()
{
	# shellcheck disable=SC2034 # the unit's, expanded below
	local GROUP=$fido_group VOLUMES=$1 DOMAIN=nbdkit-$1 NBDKIT_OPTIONS="-f -v" PARAMETERS="exclusive=true hugepages=false" line
	mkdir -p "$work/nbdkit-fido/$1"
	line=$(unit_command ExecStartPre "$1")
	eval "echo_run $line"
	[ ! -e "$(socket_of "$1")" ] || fail "the socket of the dead nbdkit is still there"
	line=$(unit_command ExecStart "$1")
	eval "start $1 $line"
	wait_for 20 "! is_running $1 || nbdinfo --size '$(uri_of "$1")' >/dev/null 2>&1" ||
		fail "$1: nbdkit does not answer"
	is_running "$1" || fail "$1 did not start: $(tail -n 5 "$(log_of "$1")")"
	line=$(unit_command ExecStartPost "$1")
	eval "echo_run $line"
	expect_eq "$(stat -c %a "$(socket_of "$1")")" 666 "mode of the socket, which the folder guards"
	expect_eq "$(cat "$work/nbdkit-fido/$1/nbdkit.pid")" "${lib_pid[$1]}" "the process of the PID file"
}

# It may be dead already: nbdkit 1.32 may abort when a client leaves.
abort()
{
	echo "+ kill -ABRT $1"
	kill -ABRT "${lib_pid[$1]}" 2>/dev/null || true
	finish "$1" 20 134
}

if command -v systemd-analyze >/dev/null; then
	echo_run systemd-analyze verify --man=no "$unit"
else
	echo "no systemd-analyze here: the unit is not verified"
fi

truncate -s 64M "$work/a.img" "$work/b.img"
random_file "$work/random" 64M
backend disk "a=file:$work/a.img" "b=file:$work/b.img"
unit_start a
unit_start b
two=${lib_pid[b]}
echo_run nbdcopy --flush "$work/random" "$(uri_of a)"

echo "--- the other client: writes and reads, on one connection, until it is told to stop"
cat >"$work/other" <<'END'
#!/usr/bin/env bash
set -eu
commands=()
for i in {1..100}; do
	commands+=(-c "write -P $i $((i * 7 % 64))M 300k" -c "read -P $i $((i * 7 % 64))M 300k")
done
rounds=0
until [ -e "$1/stop" ]; do
	qemu-io -f raw "${commands[@]}" "$2" >"$1/other.out" 2>&1 || { cat "$1/other.out"; exit 1; }
	rounds=$((rounds + 1))
done
echo "$rounds" >"$1/rounds"
END
start other bash "$work/other" "$work" "$(uri_of b)"

# With -v nbdkit logs each request.
busy()
{
	[ "$(stat -c %s "$(log_of a)")" -ge $((idle + 100000)) ]
}

echo "--- a client is killed, nbdkit ends, and is started again"
for i in 1 2 3 4 5; do
	idle=$(stat -c %s "$(log_of a)")
	start fio fio --name=job --ioengine=nbd "--uri=$(uri_of a)" --thread --rw=randread --bs=4k --iodepth=16 --size=64M \
		--time_based --runtime=600
	wait_for 30 busy || fail "no requests of fio: $(cat "$(log_of fio)")"
	echo "+ kill -KILL fio"
	kill_hard fio
	abort a
	[ -S "$(socket_of a)" ] || fail "the dead nbdkit has left no socket: this shows nothing"
	unit_start a
	echo_run nbdcopy "$(uri_of a)" "$work/copy"
	expect_same "$work/random" "$work/copy"
	qemu-io -f raw -c "write -P $i $i 70000" -c flush "$(uri_of a)" >"$work/out" 2>&1 || fail "$(cat "$work/out")"
	qemu-io -f raw -c "write -P $i $i 70000" "$work/random" >"$work/out" 2>&1 || fail "$(cat "$work/out")"
done

echo "--- a client that connects again"
start client qemu-io --image-opts -c 'write -P 77 1M 64k' -c 'sleep 3000' -c 'read -P 77 1M 64k' -c 'write -P 78 2M 64k' \
	"driver=raw,file.driver=nbd,file.server.type=unix,file.server.path=$(socket_of a),file.reconnect-delay=60"
written()
{
	[ "$(od -An -tu1 -j 1M -N 1 "$work/a.img" | tr -d ' ')" = 77 ]
}
wait_for 20 written || fail "the client wrote nothing"
abort a
unit_start a
finish client 60
expect_eq "$(od -An -tu1 -j 2M -N 2 "$work/a.img" | xargs)" "78 78" "what the client wrote to the new nbdkit"

expect_eq "$(cd "$FIDO_RUNDIR/$fido_group" && echo nbdkit-*.sock)" "nbdkit-a.sock nbdkit-b.sock" \
	"sockets in the group's folder after the deaths"

echo "--- the other client saw nothing of it"
is_running other || fail "the other client's disk failed: $(cat "$(log_of other)")"
: >"$work/stop"
finish other 60
expect_ge "$(cat "$work/rounds")" 1 "rounds of the other client"
expect_eq "${lib_pid[b]}" "$two" "the other client's nbdkit"
stop_sound b
stop_sound a
stop disk
