# shellcheck shell=dash
# SPDX-License-Identifier: BSD-3-Clause
# dom0 and guests boot with the modules that Fido needs, run commands, and do not touch what would
# crash them.
need domA domB domC
for name in dom0 domA domB domC; do
	on $name 'for m in xen_privcmd xenfs xen_evtchn xen_gntdev xen_gntalloc fido_grant tun; do
		grep -q "^$m " /proc/modules || { echo "module $m is not loaded"; exit 1; }; done'
	on $name 'for d in evtchn gntdev gntalloc fido-grant xenbus; do
		[ -c /dev/xen/$d ] || { echo "no device $d"; exit 1; }; done'
	on $name 'stat -c "%a %U" /dev/xen/fido-grant | grep -x "600 root"'
	expect_eq "$(cat /proc/xen/capabilities)" control_d "dom0's capabilities"
done

# The bed's own tools: status, output, quotes, background commands.
try domA 'exit 7' && fail "status 7 came back as 0"
on domA "echo \"it's\" 'two  words'"
expect_eq "$(output domA)" "it's two  words" "output of a command"
bg domA sleeper 'echo started; exec sleep 1000'
bg domB counter 'echo "it'\''s" done; exit 3'
expect_eq "$(log_bg domA sleeper)" started "output of a background command"
status=0
try_wait_bg domB counter 10 || status=$?
expect_eq $status 3 "status of a background command"
expect_eq "$(output domB)" "it's done" "output of a background command"
kill_bg domA sleeper KILL
status=0
try_wait_bg domA sleeper 10 || status=$?
expect_eq $status 137 "status of a killed command"
