#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Proves: forwarders that sleep as soon as they are idle are woken by whatever gives them work, also
# by a domain's death and return: after each of 20 random kills the survivors return all buffers by
# wake-ups alone, since no traffic wakes them meanwhile; and when the dead domain is back, packets
# pass as before.
#
#	gen [testpmd] ==> [fwd1] ==> [fwd2] ==> [sink] ==> net_null
#	fwd1, fwd2, sink: fido-fwd --idle interrupt
#
# KILLS, SEED: for the long run, and to repeat a run.
set -eu
# shellcheck source=test/system/mmnet.bash
. "$(dirname "$0")/mmnet.bash"
need_hugepages 512
eal_memory=(--in-memory -m 64)
kills=${KILLS:-20}
seed=${SEED:-$RANDOM}
RANDOM=$seed
sleepers=(fwd1 fwd2 sink)
# Kill forwarders more often: they have more neighbours.
victims=(gen fwd1 fwd1 fwd2 fwd2 sink)
declare -A out_port=([gen]=0 [fwd1]=1 [fwd2]=1)

launch()
{
	# Packets kept for a link that is down are not returned.
	local options=(--idle interrupt --on-down drop --stats-period 0 --json)
	case $1 in
	gen) testpmd gen "$(on2 0)" "$(dev 0 gen fwd1)" -- --no-flush-rx --forward-mode=rxonly --total-num-mbufs=4096 ;;
	fwd1) fido_fwd fwd1 "$(on 1)" "$(dev 0 fwd1 gen rx=zero)" "$(dev 1 fwd1 fwd2 rx=zero)" -- --map 0:1 "${options[@]}" ;;
	fwd2) fido_fwd fwd2 "$(on 0)" "$(dev 0 fwd2 fwd1 rx=zero)" "$(dev 1 fwd2 sink rx=zero)" -- --map 0:1 "${options[@]}" ;;
	sink) fido_fwd sink "$(on 1)" "$(dev 0 sink fwd2 rx=zero)" --vdev=net_null0 -- --map net_mmnet0:net_null0 "${options[@]}" ;;
	esac
	[ "$1" = gen ] || up "$1"
}

all_up()
{
	local name
	for name in gen fwd1 fwd2; do
		wait_for 20 "telemetry $name /ethdev/link_status,${out_port[$name]} | matches '\"UP\"'" || fail "$name's link does not come up"
	done
}

# For a sleeper that should wake: show what waits for whom.
show_queues()
{
	local name port
	for name in "${sleepers[@]}"; do
		for port in 0 1; do
			is_running "$name" || continue
			echo "$name, port $port: $(telemetry "$name" "/mmnet/info,$port" | jq -c '.[] | {peer, up, rx_queues, tx_queues}')"
		done
	done
	"$FIDO_BUILD/apps/fido-ctl/fido-ctl" links --group "$fido_group" || true
}

# settled WHEN: the survivors have nothing out or held
settled()
{
	local name
	for name in "${sleepers[@]}"; do
		is_running "$name" || continue
		wait_for 20 "[ \"\$(xstat_sum $name '^[rt]x_buffers_(held|out)\$')\" = 0 ]" || {
			show_queues
			fail "$name sleeps on with buffers that it has, or had lent, after: $1 (SEED=$seed)"
		}
	done
}

# passes WHEN: a burst reaches sink, and none of it stays anywhere
passes()
{
	local before
	all_up
	before=$(xstat sink 0 rx_good_packets)
	testpmd_cmd gen "start tx_first 4" >/dev/null
	testpmd_cmd gen stop >/dev/null
	wait_for 20 "[ \$(xstat sink 0 rx_good_packets) -ge $((before + 128)) ]" || {
		show_queues
		fail "of 128 packets $(($(xstat sink 0 rx_good_packets) - before)) came to sink after: $1 (SEED=$seed)"
	}
	settled "$1"
}

echo "--- $kills kills, SEED=$seed"
for name in "${sleepers[@]}" gen; do
	launch "$name"
done
passes "the start"
for ((i = 1; i <= kills; i++)); do
	victim=${victims[RANDOM % ${#victims[@]}]}
	echo "--- kill $i of $kills: $victim"
	# Most of the time it dies with packets in its hands, and the others asleep.
	[ "$victim" = gen ] || [ $((RANDOM % 4)) = 0 ] || kill -STOP "${lib_pid[$victim]}"
	testpmd_cmd gen "start tx_first $((1 + RANDOM % 32))" >/dev/null
	sleep "0.0$((RANDOM % 10))"
	kill_hard "$victim"
	[ "$victim" = gen ] || testpmd_cmd gen stop >/dev/null
	settled "the end of $victim"
	launch "$victim"
	passes "$victim came back"
done
stop gen
for name in "${sleepers[@]}"; do
	stop "$name"
	expect_eq "$(result "$name" .lost)" 0 "$name: lost"
	[ "$(result "$name" '.idle_percent > 10')" = true ] || fail "$name did not sleep"
done
