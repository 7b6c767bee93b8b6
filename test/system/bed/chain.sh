# shellcheck shell=dash
# SPDX-License-Identifier: BSD-3-Clause
# Helpers for scenarios with a chain of three guests under load (chain.c), of both beds. A bed's
# scenario provides:
#
#   bg, kill_bg, wait_bg, log_bg, on, fail, wait_for, expect_eq
#   chain_report GUEST       print the member's last report, or nothing
#
# Then there are:
#
#   chain_members GROUP GEN FWD SINK
#                            choose the group, with its prefix, and the guests
#   chain_start GUEST        start the guest's member
#   chain_flows              fail unless packets go on to reach the end
#   chain_drain              fail unless every buffer comes back once no more packets are made; end
#                            all members
# shellcheck disable=SC2154

chain_life=0

chain_members()
{
	chain_group=$1 chain_guests="$2 $3 $4" chain_first=$2 chain_last=$4
}

chain_start()
{
	local name index=0
	for name in $chain_guests; do
		[ "$name" != "$1" ] || break
		index=$((index + 1))
	done
	chain_life=$((chain_life + 1))
	bg "$1" chain "exec chain $chain_group $index 3 $chain_life"
}

# GUEST KEY: print a value of a member's last report.
chain_reported()
{
	chain_report "$1" | tr ' ' '\n' | sed -n "s/^$2=//p"
}

# More packets have reached the end of the chain than before.
chain_flows()
{
	local before name logs=
	wait_for 10 '[ -n "$(chain_reported $chain_last passed)" ]' || fail "$chain_last reports nothing"
	before=$(chain_reported "$chain_last" passed)
	wait_for 30 "[ \"\$(chain_reported $chain_last passed)\" -gt $((before + 200)) ]" && return
	for name in $chain_guests; do
		logs="$logs $name: $(log_bg "$name" chain)"
	done
	fail "no packets reach $chain_last:$logs"
}

chain_drain()
{
	local name reverse=
	kill_bg "$chain_first" chain USR1
	for name in $chain_guests; do
		wait_for 20 "[ \"\$(chain_reported $name quiet)\" = 1 ]" || fail "$name: $(chain_report "$name")"
		expect_eq "$(chain_reported "$name" stranded)" 0 "buffers stranded in $name"
		reverse="$name $reverse"
	done
	for name in $reverse; do
		kill_bg "$name" chain TERM
		wait_bg "$name" chain 20
	done
}
