# shellcheck shell=bash disable=SC2034,SC2154
# SPDX-License-Identifier: BSD-3-Clause
# The bed's own tools: status, output, quotes, time limits, background commands; a guest that is
# paused, killed and started again; a daemon that is restarted.
vm_demo gen fwd

# VM COMMAND STATUS [SECONDS]: so many seconds, even on a busy machine.
status_is()
{
	local status=0 lib_patience=$lib_patience
	[ $# = 3 ] || lib_patience=1
	vm_sh "$1" "$2" ${4:+"$4"} || status=$?
	expect_eq $status "$3" "status of '$2'"
}

status_is gen 'exit 7' 7
expect_eq "$(vm_sh gen "echo \"it's\" 'two  words'; echo more")" "it's two  words
more" "output of a command"
expect_eq "$(vm_sh gen 'seq 100000' | md5sum)" "$(seq 100000 | md5sum)" "much output"
# The guest ends a command whose call has ended, and then runs the next.
status_is gen 'echo $$ >/run/slow; exec sleep 1000' 124 1
status_is gen 'kill -0 "$(cat /run/slow)" 2>/dev/null' 1
# Calls at the same time take turns.
for i in 1 2 3 4; do
	vm_sh gen "echo $i; usleep 50000" >"$lib_dir/call.$i" &
done
wait
expect_eq "$(cat "$lib_dir"/call.*)" "$(seq 4)" "output of four calls"

vm_job gen sleeper "echo 'it'\''s started'; exec sleep 1000"
vm_job fwd counter 'echo done; exit 3'
vm_await gen sleeper 10 "^it's started$"
status=0
vm_wait fwd counter 10 || status=$?
expect_eq $status 3 "status of a background command"
vm_kill_process gen sleeper

vm_pause gen
status_is gen true 124 1
vm_resume gen
status_is gen true 0

vm_kill gen
status_is gen true 125
vm_start gen
vm_restart fwd
status_is fwd true 0

vmd_stop
vmd_start
vmd_kill
vmd_start
