#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Proves: dpdk-dumpcap captures what mmnet ports of a running fido-fwd receive and send, every byte
# of every packet in order, and so does dpdk-pdump; fido-fwd runs on before, meanwhile and after.
# dpdk-dumpcap also captures from Debian's testpmd, once it has loaded the mempool driver that
# testpmd is linked with.
#
#	frames.pcap --> [ends] ==> 0 [fido-fwd] 1 ==> [ends] --> came.pcap
#	                          |            |
#	                    captured.pcap  captured.pcap
set -eu
# shellcheck source=test/system/mmnet.bash
. "$(dirname "$0")/mmnet.bash"
need_hugepages 512
installed_driver
count=900
work=$lib_dir/work
mkdir "$work"
# Shared with secondary processes. dpdk-dumpcap runs on lcore 0; captured packets must come from
# another lcore, or both use one cache of its mbuf pool, and packets are captured twice or not at
# all.
primary_eal=(-m 128 "--lcores=1@$((1 % $(nproc))),2@$((1 % $(nproc)))" --main-lcore 2)
eal_memory=(--in-memory -m 128)

# Debian's own Python, without locally installed modules.
frames()
{
	PATH=/usr/bin:$PATH python3 -IS "$FIDO_TOP/test/system/helpers/frames.py" "$@"
}

# primary NAME COMMAND [EAL...]: start it as a primary process
primary()
{
	local name=$1 command=$2
	shift 2
	lib_prefix[$name]=$lib_id-$name
	start "$name" "${installed[@]}" stdbuf -oL "$command" --file-prefix "${lib_prefix[$name]}" --no-pci \
		"${primary_eal[@]}" "$@"
}

ends()
{
	rm -f "$work/came.pcap"
	fido_fwd ends "$(on 0)" "$(dev 0 ends mid)" "$(dev 1 ends mid link=1)" \
		"--vdev=net_pcap0,rx_pcap=$work/frames.pcap,tx_pcap=$work/came.pcap" -- \
		--map net_pcap0:net_mmnet0,net_mmnet1:net_pcap0 --on-down hold --idle adaptive --stats-period 0 --json
	up ends
}

# dumpcap PRIMARY PORT OPTION...: run until the options are fulfilled
dumpcap()
{
	local prefix=${lib_prefix[$1]} port=$2 try
	shift 2
	# Now and then EAL refuses a secondary process.
	for try in 1 2 3; do
		# It does not truncate an existing file.
		rm -f "$work/captured.pcap"
		start dumpcap "${installed[@]}" env LD_PRELOAD="${preload:-}" stdbuf -oL dpdk-dumpcap --file-prefix="$prefix" \
			-i "net_mmnet$port" -P -w "$work/captured.pcap" "$@"
		wait_for 20 "! is_running dumpcap || grep -q 'Capturing on' '$(log_of dumpcap)'" || true
		! grep -q 'Capturing on' "$(log_of dumpcap)" || return 0
		echo "try $try: dpdk-dumpcap does not start: $(cat "$(log_of dumpcap)")"
		! is_running dumpcap || kill -KILL "${lib_pid[dumpcap]}"
		lib_reap dumpcap
	done
	fail "dpdk-dumpcap does not start: see above"
}

all_came()
{
	wait_for 20 '[ "$(xstat ends 1 rx_good_packets)" -ge $count ]' || fail "$(xstat ends 1 rx_good_packets) of $count packets came"
	stop ends
	same came
}

# same NAME [tried]: NAME.pcap holds what was sent; tried: some packets may have been accepted only
# at the second try
same()
{
	echo_run frames "check${2:+-$2}" io "$work/frames.pcap" "$work/$1.pcap" "00:00:00:00:00:00" "00:00:00:00:00:00" ||
		fail "$1.pcap is not what was sent: see above"
}

# EAL sometimes fails to end a secondary process, status 1: only the written file counts.
dumpcap_ended()
{
	wait_for 30 "! is_running dumpcap" || fail "dpdk-dumpcap does not exit"
	lib_reap dumpcap
	[ "$lib_status" -le 1 ] || fail "dpdk-dumpcap exited with status $lib_status: $(tail -n 5 "$(log_of dumpcap)")"
}

# All has been written, except for a buffer's worth: as much as was sent, and nothing more for a
# second.
all_written()
{
	local size=0 want=$(($(stat -c %s "$work/frames.pcap") - 65536))
	wait_for 20 "[ \$(stat -c %s '$work/captured.pcap') -ge $want ]" ||
		fail "only $(stat -c %s "$work/captured.pcap") bytes are captured: $(cat "$(log_of dumpcap)")"
	while [ "$size" != "$(stat -c %s "$work/captured.pcap")" ]; do
		size=$(stat -c %s "$work/captured.pcap")
		sleep 1
	done
}

# mid RX
mid()
{
	primary mid "$FIDO_BUILD/apps/fido-fwd/fido-fwd" "$(dev 0 mid ends "rx=$1")" "$(dev 1 mid ends link=1)" -- \
		--map 0:1 --on-down hold --idle adaptive --stats-period 0 --json
	up mid
}

# captured_by_dumpcap PORT
captured_by_dumpcap()
{
	echo "--- dpdk-dumpcap of port $1"
	dumpcap mid "$1"
	ends
	all_came
	all_written
	kill -INT "${lib_pid[dumpcap]}"
	dumpcap_ended
	same captured tried
}

captured_by_pdump()
{
	echo "--- dpdk-pdump of port 0"
	rm -f "$work/captured.pcap"
	# It truncates the path after 63 bytes.
	rm -f "$lib_dir/p"
	start pdump "${installed[@]}" stdbuf -oL dpdk-pdump --file-prefix "${lib_prefix[mid]}" --no-pci "--lcores=3@0,4@0" -- \
		--pdump "port=0,queue=*,rx-dev=$lib_dir/p"
	wait_for 20 "! is_running pdump || grep -q 'capture for' '$(log_of pdump)'" || true
	is_running pdump || fail "dpdk-pdump does not start: $(cat "$(log_of pdump)")"
	ends
	all_came
	stop pdump
	mv "$lib_dir/p" "$work/captured.pcap"
	same captured
}

frames make "$work/frames.pcap" $count >/dev/null
mid zero
captured_by_dumpcap 0
captured_by_dumpcap 1
captured_by_pdump
echo "--- nobody captures any more"
ends
all_came
stop mid
mid copy
captured_by_dumpcap 0
stop mid

echo "--- dpdk-dumpcap of testpmd"
primary pmd dpdk-testpmd "$(dev 0 pmd gen rx=zero)" -- --forward-mode=rxonly --auto-start --total-num-mbufs=8192 \
	--stats-period 1
pktcheck gen "$(on 0)" "$(dev 0 gen pmd)" -- --mode gen --size 60-1514 --gap-us 500 --burst 8 --timeout 0
up gen
# Libraries linked into an application register their mempool ops before those that EAL loads, and
# ops are known by number.
preload=$(ldd "$(command -v dpdk-testpmd)" | grep -oE 'librte_mempool_[a-z0-9]+\.so\.[0-9]+' | sort -u | xargs | tr ' ' :)
# Now and then EAL does not let the secondary process in, or out.
for try in 1 2 3; do
	echo "--- try $try"
	dumpcap pmd 0 -c 200
	dumpcap_ended
	[ "$lib_status" != 0 ] || break
done
expect_ge "$(tcpdump -nr "$work/captured.pcap" ether proto 0x88b5 2>/dev/null | grep -c ethertype)" 200 "packets captured from testpmd: $(cat "$(log_of dumpcap)")"
stop gen
stop pmd
