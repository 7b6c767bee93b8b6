#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Proves: ports of an ordinary application (testpmd) can be stopped, reconfigured, started and
# closed while their peers go on sending; nothing wrong arrives, no buffer is lost, and afterwards
# all packets get through again.
#
#   gen ==> [0 testpmd 1] ==> echo      testpmd stops and starts one port, or both, under traffic
#   gen <== [0 testpmd 1] <== echo
set -eu
# shellcheck source=test/system/mmnet.bash
. "$(dirname "$0")/mmnet.bash"
need_hugepages 512

commands()
{
	local command
	for command in "$@"; do
		testpmd_cmd pmd "$command" >>"$lib_dir/answers"
	done
}

start_gen()
{
	pktcheck gen "$(on 0)" "$(dev 0 gen pmd rx=zero)" -- --mode gen --size 60-1514 --timeout 0 "$@"
}

# flows: packets return to gen now
flows()
{
	local before
	up gen
	before=$(xstat gen 0 rx_good_packets)
	wait_for 30 "[ \$(xstat gen 0 rx_good_packets) -gt $((before + 100)) ]" && return
	"$FIDO_BUILD/apps/fido-ctl/fido-ctl" links --group "$fido_group" || true
	"$FIDO_BUILD/apps/fido-ctl/fido-ctl" stats --group "$fido_group" || true
	fail "no packets return after: $1"
}

for rx in zero copy; do
	echo "--- rx=$rx"
	testpmd pmd "$(on2 1)" "$(dev 0 pmd gen rx=$rx)" "$(dev 1 pmd echo rx=$rx)" -- --burst=32
	pktcheck echo "$(on 0)" "$(dev 0 echo pmd rx=zero)" -- --mode echo --timeout 0
	commands start
	start_gen --return any
	flows start
	for ports in 0 1 all; do
		commands stop "port stop $ports"
		sleep 0.2
		commands "port start $ports" start
		flows "restart of port $ports"
	done
	echo "--- with other queues and rings"
	commands stop "port stop all" "port config all rxq 2" "port config all txq 2" "port config all rxd 256" \
		"port config all txd 256" "port start all" start
	flows "two queues"
	commands stop "port stop all" "port config all rxq 1" "port config all txq 1" "port config all rxd 1024" \
		"port config all txd 1024" "port start all" start
	flows "one queue"
	stop gen
	expect_eq "$(result gen .corrupt),$(result gen .duplicate)" 0,0 "gen: corrupt, duplicate"
	echo "--- all of a new run"
	# testpmd drops what does not fit into a ring: never have more packets under way.
	start_gen --return yes --count 20000 --window 250 --timeout 20
	finish gen 30
	expect_received gen 20000
	echo "--- closed under traffic"
	start_gen --return any
	flows "another sender"
	commands stop "port stop 0" "port close 0"
	is_running gen || fail "gen ended when its peer's port was closed"
	wait_for 10 'telemetry gen /ethdev/link_status,0 | matches "\"DOWN\""' || fail "gen's link stays up without a peer"
	# When testpmd closes the other port, gen's packets come back that it has not received yet,
	# or that echo returned to it.
	commands "port stop 1"
	stop gen
	stop echo
	stop pmd
	expect_eq "$(result echo .corrupt)" 0 "echo: corrupt"
done
