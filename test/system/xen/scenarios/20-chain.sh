# shellcheck shell=dash
# SPDX-License-Identifier: BSD-3-Clause
# Three guests in a chain, libfido alone: domC reads domA's memory, forwarded by domB. Then, under
# load, each is destroyed in turn and replaced by a new one: the others go on, no packet arrives
# damaged or twice or is overwritten while being read, and in the end every buffer is back.
# limit: 900
# shellcheck source=test/system/bed/chain.sh
. /bed/chain.sh
need domA domB domC
# shellcheck disable=SC2046 # three words
on dom0 fido-group create chain $(for name in domA domB domC; do domid $name; done)

chain_report()
{
	xenstore-read "/local/domain/$(domid "$1")/data/chain" 2>/dev/null
}

chain_members xen:chain domA domB domC
for name in domA domB domC; do
	chain_start $name
done
chain_flows
for name in domB domC domA; do
	destroy $name
	launch $name
	on dom0 fido-group add chain "$(domid $name)"
	await $name
	chain_start $name
	chain_flows
done
chain_drain
on dom0 fido-group destroy chain
