#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Proves: ordinary programs move large files over three domains: HTTP by curl, in both directions at
# once; ssh, whose packets are of any size, in both directions of one connection; and iperf3 with
# sendfile(), whose packets are pages of a file. What arrives is what was sent.
#
#	netns a: curl - kernel - vtap - left ==> mid ==> right - vtap - kernel - HTTP server :netns b
#	                10.99.0.1            <==     <==               10.99.0.2
set -eu -o pipefail
# shellcheck source=test/system/vtap.bash
. "$(dirname "$0")/vtap.bash"
mkdir "$lib_dir/a" "$lib_dir/b"
head -c 48M /dev/urandom >"$lib_dir/a/file"
head -c 48M /dev/urandom >"$lib_dir/b/file"
vtap_chain
vtap_answers
for side in a:1 b:2; do
	ns=${side%:*}
	start "http-$ns" ip netns exec "$(netns_of "$ns")" python3 -IS -m http.server --bind "10.99.0.${side#*:}" \
		--directory "$lib_dir/$ns" 8000
	wait_for 20 "in_ns $ns ss -ltn | matches :8000" || fail "the server of $ns does not listen"
done
for side in a:2:b b:1:a; do
	IFS=: read -r ns address from <<<"$side"
	start "curl-$ns" ip netns exec "$(netns_of "$ns")" curl -sS --fail --max-time 100 -o "$lib_dir/$ns/came" "http://10.99.0.$address:8000/file"
done
for side in a:b b:a; do
	finish "curl-${side%:*}" 110
	cmp "$lib_dir/${side#*:}/file" "$lib_dir/${side%:*}/came" || fail "what ${side%:*} received differs"
done

# The server reads authorized_keys in root's home: in its own mount namespace that is this folder.
mkdir -m 700 "$lib_dir/home" "$lib_dir/home/.ssh"
for key in host user; do
	dropbearkey -t ed25519 -f "$lib_dir/$key.key" 2>&1 | sed -n '/^ssh-/p' >"$lib_dir/$key.pub"
done
cp "$lib_dir/user.pub" "$lib_dir/home/.ssh/authorized_keys"
start sshd ip netns exec "$(netns_of b)" sh -c "mount --bind '$lib_dir/home' /root &&
	exec dropbear -F -E -s -p 10.99.0.2:2222 -r '$lib_dir/host.key' -P ''"
wait_for 20 'in_ns b ss -ltn | matches :2222' || fail "the ssh server does not listen: $(cat "$(log_of sshd)")"
in_ns a timeout 100 dbclient -y -y -T -i "$lib_dir/user.key" -p 2222 root@10.99.0.2 'tee came' <"$lib_dir/a/file" >"$lib_dir/back" ||
	fail "ssh: $(cat "$(log_of sshd)")"
cmp "$lib_dir/a/file" "$lib_dir/home/came" || fail "what came by ssh differs"
cmp "$lib_dir/a/file" "$lib_dir/back" || fail "what came back by ssh differs"
stop sshd 1

start iperf ip netns exec "$(netns_of b)" iperf3 -s -1
wait_for 20 'in_ns b ss -ltn | matches :5201' || fail "the iperf3 server does not listen"
in_ns a iperf3 -c 10.99.0.2 -t 2 --zerocopy -J >"$lib_dir/iperf.json" || fail "iperf3: $(cat "$lib_dir/iperf.json")"
finish iperf 20
expect_ge "$(jq '.end.sum_received.bytes' "$lib_dir/iperf.json")" $((16 << 20)) "bytes that iperf3 moved by sendfile()"
stop http-a
stop http-b
vtap_stop
