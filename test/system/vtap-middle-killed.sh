#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Proves: while two kernels exchange data in both directions, the domain in the middle is killed ten
# times and started again. The connections live on, nothing is corrupted, and no pause is much longer
# than TCP takes to send again.
#
#	netns a: kernel - vtap - left ==> mid (SIGKILL) ==> right - vtap - kernel :netns b
#	         10.99.0.1            <==               <==                10.99.0.2
set -eu -o pipefail
# shellcheck source=test/system/vtap.bash
. "$(dirname "$0")/vtap.bash"
kills=${FIDO_KILLS:-10}
start_mid()
{
	fido_fwd mid "$(on 1)" "$(dev 0 mid left hugepages=off,rx=zero)" "$(dev 1 mid right hugepages=off,rx=zero)" -- \
		--pairs --offload "${vtap_options[@]}"
}
netns_add a
netns_add b
start_mid
fwd_to_vtap left a 10.99.0.1 "$(dev 0 left mid hugepages=off,rx=zero)" "${vtap_options[@]}"
fwd_to_vtap right b 10.99.0.2 "$(dev 0 right mid hugepages=off,rx=zero)" "${vtap_options[@]}"
vtap_answers

# Each side sends blocks whose number and contents the other checks, until the file `end` exists.
# Each keeps how many arrived in a file, and prints that and the longest time without one.
cat >"$lib_dir/exchange.py" <<'EOF'
import os, socket, struct, sys, threading, time
server, address, end = sys.argv[1] == "server", sys.argv[2], sys.argv[3]
count = os.open(end + "." + sys.argv[1], os.O_WRONLY | os.O_CREAT)
BLOCK = 65536
def block(i):
    return struct.pack("!Q", i) * (BLOCK // 8)
def send(s):
    i = 0
    while not os.path.exists(end):
        s.sendall(block(i))
        i += 1
    s.shutdown(socket.SHUT_WR)
if server:
    listener = socket.create_server((address, 5001))
    print("ready", flush=True)
    s = listener.accept()[0]
else:
    s = socket.create_connection((address, 5001))
threading.Thread(target=send, args=(s,)).start()
came, longest, last = 0, 0, time.monotonic()
while True:
    data = s.recv(BLOCK, socket.MSG_WAITALL)
    now = time.monotonic()
    longest, last = max(longest, now - last), now
    if len(data) < BLOCK:
        break
    assert data == block(came), "block %d differs" % came
    came += 1
    os.pwrite(count, b"%09d" % came, 0)
assert data == b"", "the last block is short"
print("blocks", came, "longest", round(longest, 2), flush=True)
EOF
start server ip netns exec "$(netns_of b)" python3 -IS "$lib_dir/exchange.py" server 10.99.0.2 "$lib_dir/end"
wait_for 20 'grep -q ready "$(log_of server)"' || fail "the server does not start"
start client ip netns exec "$(netns_of a)" python3 -IS "$lib_dir/exchange.py" client 10.99.0.2 "$lib_dir/end"
# Blocks that have arrived so far.
came()
{
	local n
	n=$(cat "$lib_dir/end.$1" 2>/dev/null || true)
	echo $((10#${n:-0}))
}
for ((i = 0; i < kills; i++)); do
	# Every other time right after data have come through again.
	for name in server client; do
		before=$(came $name)
		((i % 2)) || wait_for 60 "[ \"\$(came $name)\" -gt $before ]" || fail "$name: nothing arrives after $i kills"
	done
	sleep "0.$((RANDOM % 8 + 1))"
	kill_hard mid
	start_mid
done
touch "$lib_dir/end"
finish server 60
finish client 60
for name in server client; do
	read -r _ came _ longest < <(grep '^blocks' "$(log_of $name)")
	echo "$name: $came blocks, longest pause $longest s"
	expect_ge "$came" $(((kills + 1) / 2)) "$name: blocks"
	# A kill, a start under load, and TCP's doubled timeouts.
	expect_ge 20 "${longest%.*}" "$name: the longest pause in seconds, at most"
done
for name in left right; do
	expect_eq "$(xstat_sum $name '_(bad_header|invalid)$')" 0 "$name: packets with a wrong header"
	stop $name
done
stop mid
