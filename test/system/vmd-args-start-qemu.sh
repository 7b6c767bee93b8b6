#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Proves: QEMU accepts what `fido-vmd args` prints, one argument a line: it has each slot's memory at
# that slot, and RAM beside it, its own writable and all others read-only; it connects to fido-vmd,
# again after a restart of fido-vmd; its end, and its reset, are noticed. It does not migrate, and
# where it would, fido-vmd cancels it. The fragment for Firecracker is JSON, that for libvirt is XML.
#
#	qemu -S (no guest)  --slot.N.port, QMP--  fido-vmd
#
# No hugepages. Folders whose names have spaces and commas.
# shellcheck source=test/system/vmd.bash
. "$(dirname "$0")/vmd.bash"
command -v qemu-system-x86_64 >/dev/null || skip "there is no qemu-system-x86_64 (apt-get install qemu-system-x86)"

memory="$lib_dir/memory, with a comma"
mkdir "$memory"
create "$group" --vm gen:ram=128M --vm mid:ram=128M --host 1 --slots-per-vm 2
serve vmd

begin_qemu()
{
	mapfile -t args < <("$vmd" args "$group" --vm gen --memory 64M)
	start qemu qemu-system-x86_64 -machine q35 -nodefaults -display none -accel tcg -S "${args[@]}"
	wait_for 30 '! is_running qemu || [ "$("$vmd" list "$group" --json | jq ".[0].machines[1].qmp")" = true ]' ||
		fail "fido-vmd has no QMP"
	is_running qemu || fail "QEMU did not start: $(cat "$(log_of qemu)")"
}

connected()
{
	wait_for 20 "[ \"\$(slot 1 .connected),\$(slot 2 .connected),\$(slot 3 .connected)\" = true,true,false ]" ||
		fail "the ports are not connected: $("$vmd" list "$group" --json)"
	echo "ok: the ports are connected"
}

# ask COMMAND [ARGUMENTS]: one QMP command to a monitor of the test's own; print what it answers
ask()
{
	python3 -IS - "$lib_dir/qmp" "$1" "${2:-{\}}" <<-'EOF'
		import json, socket, sys
		s = socket.socket(socket.AF_UNIX)
		s.settimeout(20)
		s.connect(sys.argv[1])
		f = s.makefile('rw')
		for command, arguments in (('qmp_capabilities', {}), (sys.argv[2], json.loads(sys.argv[3]))):
		    f.write(json.dumps({'execute': command, 'id': command, 'arguments': arguments}) + '\n')
		    f.flush()
		    while (answer := json.loads(f.readline())).get('id') != command:
		        pass
		print(json.dumps(answer.get('return', answer.get('error'))))
	EOF
}

begin_qemu
connected
expect_eq "$("$vmd" list "$group" --json | jq '.[0].machines[1].pid')" "${lib_pid[qemu]}" "process of gen"
vmd_says 1 "gen runs: shut it down first" destroy "$group"
vmd_says 0 "gen              runs" list

echo "--- fido-vmd is restarted"
stop vmd
serve vmd
connected

echo "--- QEMU is killed"
kill_hard qemu
wait_for 10 '[ "$("$vmd" list "$group" --json | jq -r ".[0].machines[1] | [.state, .pid, .deaths] | join(\",\")")" = off,0,1 ]' ||
	fail "the end of gen is not noticed"

echo "--- another one, and its memory"
mapfile -t args < <("$vmd" args "$group" --vm mid --memory 64M)
start qemu qemu-system-x86_64 -machine q35 -nodefaults -display none -accel tcg -S "${args[@]}" \
	-qmp "unix:$lib_dir/qmp,server=on,wait=off"
wait_for 20 "[ -S '$lib_dir/qmp' ]" || fail "QEMU did not start: $(cat "$(log_of qemu)")"
expect_eq "$(ask query-memory-devices | jq -c '[.[].data | select(.slot < 64) | [.slot, .size, .addr % 2097152]]')" \
		"[[0,10485760,0],[1,10485760,0],[2,10485760,0],[3,10485760,0],[4,10485760,0]]" "memory of mid"
expect_eq "$(ask query-memory-devices | jq -c '[.[].data | select(.slot >= 64) | [.slot, .size]]')" \
		"[[64,268435456],[65,268435456]]" "RAM of gen and mid"
expect_eq "$(ask query-memory-devices | jq -c '.[].data | select(.slot == 65) | .addr % 134217728')" 0 \
	"alignment of its own RAM"
while read -r mode n; do
	case $n in 3 | 4 | ram1) want=rw-s ;; *) want=r--s ;; esac
	expect_eq "$mode" $want "mapping of slot $n"
done < <(sed -nE "s/^[^ ]+ ([^ ]+) .*fido\.$group\.((ram)?[0-9]+)\..*/\1 \2/p" "/proc/${lib_pid[qemu]}/maps")
expect_eq "$(grep -c "fido.$group." "/proc/${lib_pid[qemu]}/maps")" 7 "mappings"

echo "--- reset"
wait_for 20 '[ "$("$vmd" list "$group" --json | jq ".[0].machines[2].qmp")" = true ]' || fail "fido-vmd has no QMP of mid"
ask system_reset >/dev/null
wait_for 10 '[ "$("$vmd" list "$group" --json | jq ".[0].machines[2].resets")" -ge 1 ]' || fail "the reset is not noticed"

echo "--- migration: QEMU refuses"
ask migrate '{"uri": "exec:cat >/dev/null"}' | matches "Migration is disabled when using feature 'peer mode' in device 'ivshmem'" ||
	fail "not refused"
stop qemu

echo "--- migration of a QEMU that would: fido-vmd cancels it"
mapfile -t args < <("$vmd" args "$group" --vm mid --memory 64M | sed -n '/\.stay/d; p' |
	awk '/^-(object|device)$/ { held = $0; next } held != "" && !/^-/ { print held } { held = ""; print }')
start qemu qemu-system-x86_64 -machine q35 -nodefaults -display none -accel tcg -S "${args[@]}" \
	-qmp "unix:$lib_dir/qmp,server=on,wait=off"
wait_for 20 '[ "$("$vmd" list "$group" --json | jq ".[0].machines[2].qmp")" = true ]' || fail "fido-vmd has no QMP of mid"
expect_eq "$(ask migrate '{"uri": "exec:cat >/dev/null"}')" '{}' "answer to migrate"
wait_for 20 '[ "$(ask query-migrate | jq -r .status)" = cancelled ]' || fail "not cancelled: $(ask query-migrate)"
expect_eq "$("$vmd" list "$group" --json | jq '.[0].machines[2].migrations_refused')" 1 "migrations that were refused"
grep -q "a migration of mid has begun, and is cancelled" "$(log_of vmd)" || fail "fido-vmd does not say so"
stop qemu

echo "--- virtio-pmem"
mapfile -t args < <("$vmd" args "$group" --vm mid --memory 64M --memory-device virtio-pmem)
start qemu qemu-system-x86_64 -machine q35 -nodefaults -display none -accel tcg -S "${args[@]}" \
	-qmp "unix:$lib_dir/qmp,server=on,wait=off"
wait_for 20 '! is_running qemu || [ "$("$vmd" list "$group" --json | jq ".[0].machines[2].qmp")" = true ]' ||
	fail "fido-vmd has no QMP of mid"
is_running qemu || fail "QEMU did not start: $(cat "$(log_of qemu)")"
expect_eq "$(ask query-memory-devices | jq -r '.[].type' | sort | uniq -c | xargs)" "7 virtio-pmem" "devices"
stop qemu

echo "--- plugged into a QEMU that runs"
begin_bare()
{
	start qemu qemu-system-x86_64 -machine q35 -nodefaults -display none -accel tcg -S "$@" \
		-qmp "unix:$lib_dir/qmp,server=on,wait=off"
	wait_for 20 "! is_running qemu || [ -S '$lib_dir/qmp' ]" && is_running qemu || fail "no QEMU: $(cat "$(log_of qemu)")"
}
begin_bare
vmd_says 1 "mid: device_add of fido.$group.0.dimm failed: " plug "$group" --vm mid --qmp "$lib_dir/qmp"
grep -q "start the machine with " "$lib_dir/said" || fail "no advice: $(cat "$lib_dir/said")"
stop qemu
rm -f "$lib_dir/qmp"
begin_bare -machine nvdimm=on -m size=64M,slots=128,maxmem=2G
vmd_says 1 "device_add of fido.$group.ports failed: Bus 'pcie.0' does not support hotplugging: start the machine with -device pcie-root-port,id=ID" \
	plug "$group" --vm mid --qmp "$lib_dir/qmp"
stop qemu
rm -f "$lib_dir/qmp"
begin_bare -machine nvdimm=on -m size=64M,slots=128,maxmem=2G -device pcie-root-port,id=hot,chassis=9
vmd_says 1 "device_add of fido.$group.ports failed: Bus 'none' not found: give --bus the id" \
	plug "$group" --vm mid --qmp "$lib_dir/qmp" --bus none
vmd_says 0 "" plug "$group" --vm mid --qmp "$lib_dir/qmp" --bus hot
wait_for 20 '[ "$("$vmd" list "$group" --json | jq -c ".[0].machines[2].qmp, [.[0].slots[3,4].connected]" | xargs)" = "true [true,true]" ]' ||
	fail "not connected: $("$vmd" list "$group" --json)"
vmd_says 1 "QEMU does not greet: another client is connected" plug "$group" --vm mid --qmp "$lib_dir/qmp" --bus hot
kill_hard qemu
wait_for 10 '[ "$("$vmd" list "$group" --json | jq -r ".[0].machines[2].state")" = off ]' || fail "its end is not noticed"

echo "--- other formats"
"$vmd" args "$group" --vm gen --format qmp | jq -se 'length == 2 * 7 + 1 + 2 * 2 and all(.[]; has("execute"))' >/dev/null ||
	fail "not the commands that were expected"
"$vmd" args "$group" --vm gen --format firecracker 2>"$lib_dir/said" | jq -e \
	'[.pmem[].read_only] == [true, false, false, true, true, false, true] and (.pmem[4].path_on_host | contains(", with a comma/fido."))' ||
	fail "not as expected"
grep -q "Firecracker has no virtio-serial" "$lib_dir/said"
"$vmd" args "$group" --vm gen --format libvirt --memory 64M >"$lib_dir/xml"
python3 - "$lib_dir/xml" <<-'EOF'
	import sys, xml.etree.ElementTree as x
	top = x.parse(sys.argv[1]).getroot()
	assert [m.find('address').get('slot') for m in top.iter('memory') if m.get('model')] == ['0', '1', '2', '3', '4', '64', '65']
	assert [m.find('target/readonly') is None for m in top.iter('memory') if m.get('model')] == [False, True, True, False, False, True, False]
	assert len(list(top.iter('channel'))) == 2 and top.find('maxMemory').get('slots') == '66'
	assert top.find('devices/shmem').get('role') == 'peer'
EOF
stop_serving vmd
