#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Proves: a process of the host whose slot's file was removed, replaced or cut short does not join,
# says what to do, and leaves the slot free.
#
#	host.sock <-- fido-ctl list        fido-vmd
#
# No hugepages, no virtual machine.
# shellcheck source=test/system/vmd.bash
. "$(dirname "$0")/vmd.bash"

# refused TEXT: fido-ctl fails, with that message
refused()
{
	local status=0
	"$FIDO_BUILD/apps/fido-ctl/fido-ctl" list --group "vm:$group" >"$lib_dir/said" 2>&1 || status=$?
	expect_eq $status 1 "exit status of fido-ctl; it says: $(cat "$lib_dir/said")"
	matches "$1" <"$lib_dir/said" || fail "no message with '$1', but: $(cat "$lib_dir/said")"
	is_free 0
}

echo_run "$vmd" create "$group" --size 32M --memory "$memory" --vm gen --host 1 --slots-per-vm 1
serve vmd "$group"
link=$folder/slot.0.mem
file=$(readlink "$link")
echo_run ln -sfn /nowhere "$link"
refused "cannot use the memory of slot 0: .*removed or cut short: destroy"
echo_run ln -sfn /dev/null "$link"
refused "cannot use the memory of slot 0: .*removed or cut short: destroy"
echo_run ln -sfn "$file" "$link"
refused "nobody is in it"
echo_run truncate -s 33M "$file"
refused "cannot use the memory of slot 0: .*removed or cut short: destroy"
stop_serving vmd
