#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Proves: machines whose QEMUs run as different users without privileges are in one group: each can
# write the memory of its own slots and read all others', connect to its own ports and to none of
# another's; a user outside of the Unix group can do nothing; a user alone needs no root at all.
#
#	QEMU as user 61001, 61002 (Unix group 61000)  --  fido-vmd (root)
#
# No hugepages.
# Other users must reach the test's folder: those above $TMPDIR may be closed to them.
[ "$EUID" != 0 ] || export TMPDIR=/run
# shellcheck source=test/system/vmd.bash
. "$(dirname "$0")/vmd.bash"
[ "$EUID" = 0 ] || skip "not root: it starts processes of other users"
command -v qemu-system-x86_64 >/dev/null || skip "there is no qemu-system-x86_64 (apt-get install qemu-system-x86)"

chmod 755 "$lib_dir" "$memory"
# They may have no access to the build folder.
mkdir -m 755 "$lib_dir/bin"
cp "$vmd" "$vmd_member" "$lib_dir/bin"
vmd=$lib_dir/bin/${vmd##*/}
vmd_member=$lib_dir/bin/${vmd_member##*/}
umask 077
as()
{
	local user=$1
	shift
	setpriv --reuid "$user" --regid "$user" --groups "$user,61000" "$@"
}

echo "--- two users, one Unix group"
create "$group" --vm a:user=61001:slots=1 --vm b:user=61002:slots=1 --host 1 --gid 61000
serve vmd
expect_eq "$(stat -c %a "$folder")" 750 "mode of the folder"
for slot in 0:0 1:61001 2:61002; do
	expect_eq "$(stat -Lc %u:%g:%a "$folder/slot.${slot%:*}.mem")" "${slot#*:}:61000:640" "owner of slot ${slot%:*}"
done
mapfile -t args < <("$vmd" args "$group" --vm a --memory 64M)
start a setpriv --reuid 61001 --regid 61001 --groups 61000 qemu-system-x86_64 -machine q35 -nodefaults \
	-display none -accel tcg -S "${args[@]}"
wait_for 30 '! is_running a || [ "$(slot 1 .connected)" = true ]' || fail "the port of a is not connected"
is_running a || fail "QEMU did not start: $(cat "$(log_of a)")"
wait_for 20 "\"\$vmd\" list '$group' --json | jq -e '.[0].machines[1].qmp' >/dev/null" || fail "no QMP of a"

# refused USER WHY COMMAND...: the command fails for that reason
refused()
{
	local user=$1 why=$2
	shift 2
	echo "+ as $user: $*"
	! as "$user" "$@" >"$lib_dir/said" 2>&1 || fail "user $user can do: $*"
	grep -q "$why" "$lib_dir/said" || fail "not for that reason: $(cat "$lib_dir/said")"
}
as 61001 dd if=/dev/null of="$folder/slot.1.mem" conv=notrunc status=none
as 61001 head -c 1 "$folder/slot.2.mem" >"$lib_dir/byte"
refused 61001 "Permission denied" dd if=/dev/null of="$folder/slot.2.mem" conv=notrunc
refused 61001 "Permission denied" ls "$folder/b.vm"
as 61001 timeout 5 "$vmd_member" "$folder/slot.2.port" x 1 </dev/null >"$lib_dir/said"
grep -q "NOT CONNECTED Permission denied" "$lib_dir/said" || fail "61001 connects to a port of b"
as 61001 timeout 5 "$vmd_member" "$folder/host.sock" x 1 </dev/null >"$lib_dir/said"
grep -qx CONNECTED "$lib_dir/said" || fail "61001 does not connect to host.sock"
setpriv --reuid 61003 --regid 61003 --clear-groups timeout 5 "$vmd_member" "$folder/host.sock" x 1 \
	</dev/null >"$lib_dir/said"
grep -q "NOT CONNECTED Permission denied" "$lib_dir/said" || fail "a stranger connects to host.sock"
! setpriv --reuid 61003 --regid 61003 --clear-groups head -c 1 "$(readlink "$folder/slot.1.mem")" 2>/dev/null ||
	fail "a stranger reads memory"
kill_hard a
wait_for 10 '[ "$("$vmd" list "$group" --json | jq ".[0].machines[1].deaths")" = 1 ]' || fail "the end of a is not noticed"

echo "--- another process in place of its QMP"
as 61001 ln -sf "$folder/host.sock" "$folder/a.vm/qmp"
sleep 1.2
expect_eq "$("$vmd" list "$group" --json | jq -c '.[0].machines[1] | [.qmp, .pid]')" '[false,0]' "QMP and process of a"
stop_serving vmd
[ -z "$(find "$FIDO_RUNDIR" "$memory" -mindepth 1)" ] || fail "left behind: $(find "$FIDO_RUNDIR" "$memory" -mindepth 1)"

echo "--- a user alone"
mkdir "$lib_dir/own" "$lib_dir/own/run" "$lib_dir/own/memory"
chown -R 61001:61001 "$lib_dir/own"
export FIDO_RUNDIR=$lib_dir/own/run
as 61001 "$vmd" create mine --vm a --size 8M --memory "$lib_dir/own/memory" --host 1 --slots-per-vm 1
start own setpriv --reuid 61001 --regid 61001 --clear-groups "$vmd" serve
wait_for 10 "grep -q serving '$(log_of own)'" || fail "does not serve: $(cat "$(log_of own)")"
mapfile -t args < <(as 61001 "$vmd" args mine --vm a --memory 64M)
start q setpriv --reuid 61001 --regid 61001 --clear-groups qemu-system-x86_64 -machine q35 -nodefaults \
	-display none -accel tcg -S "${args[@]}"
wait_for 30 "as 61001 '$vmd' list mine --json | jq -e '.[0].slots[1].connected' >/dev/null" || fail "not connected: $(cat "$(log_of q)")"
kill_hard q
stop own
as 61001 "$vmd" destroy mine
