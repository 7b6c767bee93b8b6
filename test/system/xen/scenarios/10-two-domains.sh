# shellcheck shell=dash
# SPDX-License-Identifier: BSD-3-Clause
# Two guests with libfido alone: each reads every byte of 64 MiB of the other's, by pointer;
# sleepers are woken, and pollers are not rung.
need domA domB
on dom0 fido-group create two "$(domid domA)" "$(domid domB)"
for mode in poll sleep; do
	bg domA pair "pair xen:two a b 64 6000 $mode"
	bg domB pair "pair xen:two b a 64 6000 $mode"
	doorbells='.*'
	[ $mode = sleep ] || doorbells=0
	for name in domA domB; do
		wait_bg $name pair 60
		output $name | grep -q "sent=6000 received=6000 doorbells=$doorbells .* copied=0 " || fail "$name: $(output $name)"
	done
done
on dom0 fido-group destroy two
