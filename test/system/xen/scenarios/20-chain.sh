# shellcheck shell=dash
# SPDX-License-Identifier: BSD-3-Clause
# Three guests in a chain, libfido alone: domC reads domA's memory, forwarded by domB. Then, under
# load, each is destroyed in turn and replaced by a new one: the others go on, no packet arrives
# damaged or twice or is overwritten while being read, and in the end every buffer is back.
# limit: 900
need domA domB domC
# shellcheck disable=SC2046 # three words
on dom0 fido-group create chain $(for name in domA domB domC; do domid $name; done)
life=0

member() # NAME INDEX
{
	life=$((life + 1))
	bg "$1" chain "exec xen-chain xen:chain $2 3 $life"
}

# Print a value of a member's last report.
reported() # NAME KEY
{
	xenstore-read "/local/domain/$(domid "$1")/data/chain" 2>/dev/null | tr ' ' '\n' | sed -n "s/^$2=//p"
}

# More packets have reached the end of the chain than before.
flows()
{
	local before
	wait_for 10 '[ -n "$(reported domC passed)" ]' || fail "domC reports nothing"
	before=$(reported domC passed)
	wait_for 30 "[ \"\$(reported domC passed)\" -gt $((before + 200)) ]" ||
		fail "no packets reach domC: $(log_bg domA chain) $(log_bg domB chain) $(log_bg domC chain)"
}

member domA 0
member domB 1
member domC 2
flows
for name in domB domC domA; do
	destroy $name
	launch $name
	on dom0 fido-group add chain "$(domid $name)"
	await $name
	case $name in
	domA) member domA 0 ;;
	domB) member domB 1 ;;
	domC) member domC 2 ;;
	esac
	flows
done
on domA 'job kill chain USR1'
for name in domA domB domC; do
	wait_for 20 "[ \"\$(reported $name quiet)\" = 1 ]" ||
		fail "$name: $(xenstore-read "/local/domain/$(domid "$name")/data/chain")"
	expect_eq "$(reported $name stranded)" 0 "buffers stranded in $name"
done
for name in domC domB domA; do
	kill_bg $name chain TERM
	wait_bg $name chain 20
done
on dom0 fido-group destroy chain
