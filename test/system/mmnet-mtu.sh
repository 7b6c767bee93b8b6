#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Proves: a port whose application has set an MTU neither sends nor delivers longer packets, and
# counts them; without an MTU a port accepts all; an MTU for which received packets have no room is
# refused.
#
#	tx [testpmd, txonly] ==> rx [testpmd, rxonly]
set -eu
# shellcheck source=test/system/mmnet.bash
. "$(dirname "$0")/mmnet.bash"
need_hugepages 256

commands()
{
	local name=$1 command
	shift
	for command in "$@"; do
		testpmd_cmd "$name" "$command"
	done >>"$lib_dir/commands"
}

# counters NAME KEY KEY: two extended statistics of its port
counters()
{
	telemetry "$1" /ethdev/xstats,0 | jq -r ".[] | [.$2, .$3] | map(. // 0) | join(\" \")"
}

# after LENGTH SENT NOT_SENT RECEIVED TOO_LONG: of a burst of 32
after()
{
	commands rx "clear port xstats all"
	commands tx "clear port xstats all" "set txpkts $1" "start tx_first" stop
	wait_for 10 "[ \"\$(counters rx rx_good_packets rx_too_long)\" = '$4 $5' ]" || true
	expect_eq "$(counters tx tx_good_packets tx_dropped) $(counters rx rx_good_packets rx_too_long)" "$2 $3 $4 $5" \
		"packets of $1 bytes: sent, not sent, received, too long"
}

testpmd rx "$(on2 1)" "$(dev 0 rx tx "rx=copy")" -- --no-flush-rx --forward-mode=rxonly --mbuf-size=4096
testpmd tx "$(on2 0)" "$(dev 0 tx rx)" -- --no-flush-rx --forward-mode=io --txd=1024 --mbuf-size=4096
commands rx start
wait_for 20 'telemetry tx /ethdev/link_status,0 | matches "\"UP\""' || fail "the link does not come up"

echo "--- nobody has said anything"
after 3000 32 0 32 0

echo "--- the receiver keeps to one"
commands rx stop "port stop 0" "port config mtu 0 1000" "port start 0" start
wait_for 20 'telemetry tx /ethdev/link_status,0 | matches "\"UP\""' || fail "the link does not come up"
after 1018 32 0 32 0
after 1019 32 0 0 32
# By now it checks lengths; the MTU may be changed while it runs.
commands rx "port config mtu 0 1100"
after 1118 32 0 32 0
after 1119 32 0 0 32

echo "--- the sender does"
commands rx "port config mtu 0 3000"
testpmd_cmd tx "port config mtu 0 900" >"$lib_dir/refused"
grep -q "MTU failed" "$lib_dir/refused" || fail "a first MTU is set while the port runs: $(cat "$lib_dir/refused")"
commands tx "port stop 0" "port config mtu 0 900" "port start 0"
wait_for 20 'telemetry tx /ethdev/link_status,0 | matches "\"UP\""' || fail "the link does not come up"
after 918 32 0 32 0
after 919 0 32 0 0

echo "--- no room for it"
testpmd_cmd rx "port config mtu 0 5000" >"$lib_dir/refused"
grep -q "MTU failed" "$lib_dir/refused" || fail "packets that do not fit into a mbuf are to be received: $(cat "$lib_dir/refused")"
stop tx
stop rx
