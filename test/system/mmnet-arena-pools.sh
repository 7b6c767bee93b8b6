#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Proves: with EAL's memory not exported (heap=off) an application's packets are each copied once,
# and counted; from mbuf pools in an arena they are sent without a copy, whether the application, a
# device argument or an EAL option requests such a pool. These pools work like others: received
# into, cloned, chained, created and freed while packets pass.
#
#	gen (heap=off) ==> echo (heap=off)      both export only their arenas
#	gen            <== echo
set -eu
# shellcheck source=test/system/mmnet.bash
. "$(dirname "$0")/mmnet.bash"
need_hugepages 640
count=20000

# there_and_back TITLE COUNT GEN_ARG EAL_OPTION [OPTION OF GEN...]: send packets that are returned
there_and_back()
{
	echo "--- $1"
	pktcheck echo "$(on 1)" "$(dev 0 echo gen rx=zero heap=off)" -- --mode echo --expect "$2" --size 60-9000
	# shellcheck disable=SC2086 # none, or one option
	pktcheck gen "$(on 0)" $4 "$(dev 0 gen echo heap=off "$3")" -- --mode gen --return yes --count "$2" \
		--size 60-9000 --room 9000 --mbufs 2048 "${@:5}"
	finish gen 40
	finish echo 10
	expect_received echo "$2"
	expect_received gen "$2"
	expect_stat gen 0 tx_error_completions 0
	expect_stat gen 0 tx_buffers_out 0
	expect_stat echo 0 rx_bad_descriptors 0
	expect_stat echo 0 rx_zero_copy_packets "$2"
	expect_stat echo 0 tx_forwarded_packets "$2"
	expect_eq "$(result gen .mbufs_missing)" 0 "mbufs missing"
}

sent_by_pointer()
{
	expect_stat gen 0 tx_zero_copy_packets "$1"
	expect_stat gen 0 tx_copied_packets 0
}

all_copied()
{
	expect_stat gen 0 tx_zero_copy_packets 0
	expect_stat gen 0 tx_copied_packets "$1"
}

# clones POOL HEAP: gen's packets are copied into clone's pool; clones and originals go back in any
# order
clones()
{
	echo "--- received into a pool '$1' (heap=$2), cloned"
	pktcheck clone "--lcores=0@$(($(nproc) - 1)),1@0" "$(dev 0 clone gen rx=copy heap="$2")" -- --mode clone \
		--pool "$1" --return any --expect $count --hold 300 --size 9000
	pktcheck gen "$(on 0)" "$(dev 0 gen clone)" -- --mode gen --return any --count $count --size 60-1514 --segs 2
	finish gen 40
	finish clone 20
	expect_received clone $count
	expect_eq "$(result gen .corrupt),$(result clone .corrupt)" 0,0 "corrupt in gen, in clone"
	expect_eq "$(result gen .mbufs_missing),$(result clone .mbufs_missing)" 0,0 "mbufs missing in gen, in clone"
	expect_stat clone 0 rx_copied_packets $count
	expect_stat clone 0 tx_copied_packets 0
	expect_ge "$(port_stat clone 0 tx_zero_copy_packets)" $((count / 4)) "clones sent by pointer"
	expect_ge "$(result gen .rx_packets)" $((count / 4)) "packets that came back"
}

# testpmd frees by MBUF_FAST_FREE and knows of no arena.
unmodified()
{
	echo "--- testpmd with pools=arena"
	testpmd tx "$(on2 0)" "$(dev 0 tx rx heap=off pools=arena)" -- --forward-mode=txonly --txpkts=64,200
	testpmd rx "$(on2 1)" "$(dev 0 rx tx)" -- --forward-mode=rxonly
	testpmd_cmd rx start >/dev/null
	testpmd_cmd tx start >/dev/null
	wait_for 20 '[ "$(xstat rx 0 rx_good_packets)" -gt 100000 ]' || fail "rx receives nothing"
	testpmd_cmd tx stop >/dev/null
	expect_ge "$(xstat tx 0 tx_zero_copy_packets)" 100000 "packets by pointer"
	expect_eq "$(xstat tx 0 tx_copied_packets)" 0 "packets copied"
	testpmd_cmd tx "port stop all" >/dev/null
	expect_eq "$(xstat tx 0 tx_buffers_out)" 0 "buffers that did not come back"
	stop tx
	stop rx
}

# refused STATUS PATTERN [ARG OF PKTCHECK...]: the port is refused, and EAL goes on
refused()
{
	local status=$1 pattern=$2
	shift 2
	pktcheck bad "$(on 0)" "$@"
	finish bad 20 "$status"
	grep -aq -- "$pattern" "$(log_of bad)" || fail "no message '$pattern': $(tail -n 5 "$(log_of bad)")"
}

there_and_back "pools of the application" $count rx=copy ""
all_copied $count
there_and_back "pools of the application, several segments" $count rx=copy "" --segs 4 --room 2048 --mbufs 8192
all_copied $count
there_and_back "the application asks for an arena" $count rx=copy "" --pool arena
sent_by_pointer $count
there_and_back "the device argument does" $count pools=arena ""
sent_by_pointer $count
there_and_back "EAL's option does, several segments" $count rx=copy --mbuf-pool-ops-name=mmnet_arena --segs 4 \
	--room 2048 --mbufs 8192
sent_by_pointer $count
there_and_back "one pool after the other" 60000 rx=zero "" --pool arena --churn 12
# What is sent before the peer has mapped a new pool is copied.
expect_ge "$(port_stat gen 0 tx_zero_copy_packets)" 50000 "packets by pointer"
expect_eq "$(result gen .pools)" 12 "pools"
clones arena off
clones extbuf on
unmodified

echo "--- refused"
refused 1 "give it an mmnet port first" --vdev=net_null0 -- --mode sink --pool arena --duration 0.1
refused 0 "give the first of its mmnet ports heap=off" "$(dev 0 bad x)" "$(dev 1 bad y heap=off)" -- --duration 0.1
refused 1 "device argument heap=maybe: give on or off" "$(dev 0 bad x heap=maybe)" -- --duration 0.1
refused 1 "device argument pools=sea: give heap or arena" "$(dev 0 bad x pools=sea)" -- --duration 0.1
