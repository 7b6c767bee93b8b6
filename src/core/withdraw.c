/* SPDX-License-Identifier: BSD-3-Clause */
/* Withdraw own memory from the group: withdraw.h has the rules. */

#include "withdraw.h"

#include "link_private.h"

int
fido_withdrawals_reserve(struct fido_domain *d, uint64_t gaddr, uint64_t len)
{
	return fido_extents_reserve_all(&d->pending, &d->extents, gaddr, len);
}

/* Have the peers unmap an extent. Unmap our own view too: memory that came back to us was out, so
 * no ticket names it any more. */
static void
tell(struct fido_domain *d, const struct fido_extent *e)
{
	fido_map_clear(&d->map, e->gaddr, e->len);
	fido_slot_unmap(&d->layout, e->gaddr, e->len);
	d->withdrawn_epoch = fido_domain_next_epoch(d);
	d->ops->withdraw(d->transport, e->gaddr, fido_granules_up(e->len), d->withdrawn_epoch);
}

uint64_t
fido_withdrawal_begin(struct fido_domain *d, uint64_t gaddr, uint64_t len)
{
	struct fido_extents *set = &d->extents;
	uint64_t bytes = 0;

	for (size_t i = fido_extents_align(set, gaddr, len);
		fido_extents_within(set, i, gaddr, len);) {
		bytes += set->items[i].extent.len;
		fido_extents_add(&d->pending, &set->items[i].extent, 0);
		fido_extents_remove(set, i);
	}
	fido_withdrawals_step(d);
	return bytes;
}

bool
fido_withdrawals_step(struct fido_domain *d)
{
	struct fido_extents *set = &d->pending;
	size_t i = 0;

	if (set->count == 0)
		return false;
	for (size_t k = 0; k < set->count; k++)
		set->items[k].tag = 0;
	for (uint32_t k = 0; k < FIDO_DOMAIN_LINKS_MAX; k++)
		if (d->links[k] != NULL)
			fido_link_tag_named(d->links[k], set);
	while (i < set->count) {
		struct fido_extent e = set->items[i].extent;

		if (set->items[i].tag != 0) {
			i++;
			continue;
		}
		fido_extents_remove(set, i); /* The transport may list what is left. */
		tell(d, &e);
	}
	return set->count != 0;
}

uint64_t
fido_withdrawal_pending(const struct fido_domain *d, uint64_t gaddr, uint64_t len)
{
	size_t i = fido_extents_find(&d->pending, gaddr);
	const struct fido_extent *e;

	if (i == d->pending.count || d->pending.items[i].extent.gaddr >= gaddr + len)
		return 0;
	e = &d->pending.items[i].extent;
	return fido_granules_up(e->gaddr + e->len);
}
