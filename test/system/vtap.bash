# shellcheck shell=bash
# SPDX-License-Identifier: BSD-3-Clause
# Shared by the vtap-*.sh tests, which source it first.
#
#   vtap_chain [FWD...]      two namespaces, a (10.99.0.1) and b (10.99.0.2), whose kernels are joined
#                            by three domains: left, mid, right. FWD: options of all fido-fwd
#   vtap_answers             wait until b answers a's pings
#   tcp_copy NS NS ADDRESS FILE [OPTION...]
#                            send FILE from the first namespace to the second by TCP; fail unless
#                            it arrives whole
#   vtap_stop                stop the chain; fail if a packet was lost or its payload copied
#   vtap_stat NAME KEY       an extended statistic of the vtap port of left or right

FIDO_TOP=${FIDO_TOP:-$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)}
# shellcheck source=test/system/mmnet.bash
. "$FIDO_TOP/test/system/mmnet.bash"
[ -c /dev/net/tun ] || skip "no /dev/net/tun: modprobe tun"
# shellcheck disable=SC2034 # lib.sh uses it
eal_memory=(--no-huge -m 64)
vtap_options=(--on-down hold --idle adaptive --quiet --stats-period 0 --json)

vtap_chain()
{
	netns_add a
	netns_add b
	fido_fwd mid "$(on 1)" "$(dev 0 mid left hugepages=off,rx=zero)" "$(dev 1 mid right hugepages=off,rx=zero)" -- \
		--pairs --offload "${vtap_options[@]}" "$@"
	fwd_to_vtap left a 10.99.0.1 "$(dev 0 left mid hugepages=off,rx=zero)" "${vtap_options[@]}" "$@"
	fwd_to_vtap right b 10.99.0.2 "$(dev 0 right mid hugepages=off,rx=zero)" "${vtap_options[@]}" "$@"
}

vtap_answers()
{
	wait_for 20 'in_ns a ping -q -c 1 -W 1 10.99.0.2 >/dev/null' || fail "no answer from 10.99.0.2"
}

tcp_copy()
{
	local from=$1 to=$2 address=$3 file=$4 came
	came=$(mktemp "$lib_dir/came.XXXXXX")
	start server ip netns exec "$(netns_of "$to")" python3 -IS -c '
import shutil, socket, sys
family = socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET
listener = socket.create_server((sys.argv[1], 5001), family=family)
with listener.accept()[0].makefile("rb") as come, open(sys.argv[2], "wb") as out:
	shutil.copyfileobj(come, out)' "$address" "$came"
	wait_for 20 "in_ns $to ss -ltn | matches :5001" || fail "the server does not listen: $(cat "$(log_of server)")"
	echo_run ip netns exec "$(netns_of "$from")" timeout 100 bash -c 'cat "$1" >"/dev/tcp/$2/5001"' - "$file" "$address" ||
		fail "the transfer to $address failed"
	finish server 20
	cmp "$file" "$came" || fail "what arrived at $address differs"
	rm "$came"
}

vtap_stop()
{
	local name
	for name in left right mid; do
		stop "$name"
		expect_eq "$(result "$name" '.lost,.copies' | tr '\n' ' ')" "0 0 " "$name: lost, copies"
	done
}

vtap_stat()
{
	xstat "$1" 0 "$2"
}
