# shellcheck shell=bash disable=SC2034,SC2154
# SPDX-License-Identifier: BSD-3-Clause
# The end of the chain is in a container of the host: what testpmd in gen sends reaches pktcheck in
# the container over fido-fwd in fwd, byte by byte, without a copy. The container has namespaces of
# its own and no capability, and cannot write but its own memory.
# shellcheck source=test/system/vm/dpdk.sh
. "$vm_bed/dpdk.sh"
# shellcheck source=test/system/bed/dpdk-chain.sh
. "$vm_bed/../bed/dpdk-chain.sh"
# shellcheck source=test/system/vm/box.sh
. "$vm_bed/box.sh"
group=demo
vm_demo gen fwd
box_open demo

foreign=$(realpath "$(vm_memory_of "$(vm_slots gen | head -n 1)")")
bg box inside "grep -E '^(CapEff|NoNewPrivs):' /proc/self/status | xargs; ls /proc | grep -c '^[0-9]'; ls /sys/class/net
	for file in /file /run/fido/vm.demo/file $foreign; do ! (: >>\$file) 2>/dev/null || echo \"writes \$file\"; done"
wait_bg box inside 20
expect_eq "$(output box | xargs)" "CapEff: 0000000000000000 NoNewPrivs: 1 3 lo" \
	"capabilities, processes, interfaces in the container, and what it can write"

chain_of gen fwd box
chain_contents
testpmd_cmd gen gen quit
wait_bg gen gen 30
kill_bg fwd fwd INT
wait_bg fwd fwd 30
