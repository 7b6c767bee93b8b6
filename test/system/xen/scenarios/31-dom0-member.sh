# shellcheck shell=dash
# SPDX-License-Identifier: BSD-3-Clause
# dom0 is a member of a group like any other: it and a guest read each other's memory, and wake each
# other.
need domA
on dom0 fido-group create zero 0 "$(domid domA)"
bg domA pair "pair xen:zero b a 16 2000 sleep"
bg dom0 pair "pair xen:zero a b 16 2000 sleep"
for name in dom0 domA; do
	wait_bg $name pair 60
	output $name | grep -q 'sent=2000 received=2000 .* copied=0 ' || fail "$name: $(output $name)"
done
on dom0 fido-group destroy zero
