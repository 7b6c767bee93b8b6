# shellcheck shell=bash disable=SC2034,SC2154
# SPDX-License-Identifier: BSD-3-Clause
# A machine that was started without the group gets its memory and ports by QMP while it runs; its
# peer has the memory as virtio-pmem, whose header names it. Both join, and exchange checked messages.
# Neither migrates: QEMU refuses, or fido-vmd cancels it, and the messages go on.
vm_group demo gen fwd sink -- --size 64M --slots-per-vm 2 --host 2
for name in gen fwd; do
	! vm_is_running $name || vm_kill $name
done
vm_options=(--memory-device virtio-pmem)
vm_boot fwd
vm_options=()
vm_bare=(-machine nvdimm=on -m "size=${vm_ram}M,slots=64,maxmem=2G" -device "pcie-root-port,id=hot,chassis=1"
	-qmp "unix:$vm_state/gen.second.qmp,server=on,wait=off")
vm_boot gen
vm_bare=()
vm_await_up gen
vm_await_up fwd

vm_sh fwd '! ls /sys/bus/nd/devices/nmem* 2>/dev/null'
expect_eq "$(vm_sh gen slots.sh)" "" "slots in gen before"
vm_sh gen 'grep MemFree: /proc/meminfo' >&2
echo_run "$vmd" plug demo --vm gen --qmp "$vm_state/gen.qmp" --bus hot
all=$(vm_list '.slots[].slot' | xargs)
own=$(vm_slots gen)
vm_sh gen "for i in \$(seq 100); do [ \$(slots.sh | wc -l) -lt $(wc -w <<<"$all") ] || exit 0; usleep 100000; done; slots.sh; false"
vm_say "gen has the memory"
vm_sh gen 'grep MemFree: /proc/meminfo' >&2
vm_sh gen slots.sh >"$lib_dir/slots"
expect_eq "$(cut -d' ' -f1 "$lib_dir/slots" | xargs)" "$all" "slots in gen"
expect_eq "$(awk '$3 == "rw" { print $1 }' "$lib_dir/slots")" "$own" "its own"
vm_sh gen "for i in \$(seq 100); do [ \$(cat /sys/class/virtio-ports/*/name | grep -c ^fido.demo) -lt $(wc -w <<<"$own") ] || exit 0; usleep 100000; done; false"

# The peer's kernel has no handles of NVDIMMs: headers name the slots.
vm_sh fwd 'fido-ctl doctor --group vm:demo' | matches "demo others-memory: the memory of others' slots .* can be read" ||
	fail "the doctor does not know the memory in fwd"

# Sleepers: they are woken by way of the new ports.
both_start()
{
	vm_job gen pair "pair vm:demo a b 32 $1 sleep"
	vm_job fwd pair "pair vm:demo b a 32 $1 sleep"
}

both_end()
{
	local name
	for name in gen fwd; do
		vm_wait $name pair 60 >"$lib_dir/$name.out" || fail "$name: $(cat "$lib_dir/$name.out")"
		tail -n 1 "$lib_dir/$name.out" | matches "sent=$1 received=$1 .* copied=0 " || fail "$name: $(cat "$lib_dir/$name.out")"
	done
}

both_start 1000
both_end 1000

# The monitor by which it was plugged is fido-vmd's now: the end of a process is seen.
wait_for 10 '[ "$(vm_list ".machines[] | select(.machine == \"gen\") | .qmp")" = true ]' || fail "fido-vmd has no QMP of gen"
vm_job gen member 'pair vm:demo c b 32 1000000000 poll'
wait_for 20 "[ -n \"\$(vm_list '.slots[] | select(.member == \"c\" and .state == \"live\")')\" ]" || fail "c has not joined"
vm_kill_process gen member
wait_for 10 "[ -z \"\$(vm_list '.slots[] | select(.state == \"live\")')\" ]" || fail "the end of c is not seen: $(vm_list '.slots[]')"

# fwd has a device that does not migrate; gen has not.
both_start 3000
migrate='{"execute": "migrate", "arguments": {"uri": "exec:cat >/dev/null"}}'
! vm_qmp fwd "$migrate" >"$lib_dir/migrate" || fail "QEMU migrates fwd: $(cat "$lib_dir/migrate")"
matches "Migration is disabled" <"$lib_dir/migrate" || fail "for another reason: $(cat "$lib_dir/migrate")"
"$vm_bin/qmp" "$vm_state/gen.second.qmp" "$migrate"
wait_for 10 '[ "$(vm_list ".machines[] | select(.machine == \"gen\") | .migrations_refused")" = 1 ]' ||
	fail "fido-vmd does not cancel the migration of gen"
wait_for 10 '"$vm_bin/qmp" "$vm_state/gen.second.qmp" query-migrate | matches "\"status\": \"cancelled\""' ||
	fail "the migration of gen is not cancelled"
both_end 3000
# The next scenarios start them as usual.
vm_kill gen fwd
