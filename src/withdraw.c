/* SPDX-License-Identifier: BSD-3-Clause */
/* Own memory on its way out of the group: withdraw.h has the rules. */

#include "withdraw.h"

#include <stdlib.h>

#include "link_private.h"

struct fido_withdrawal *
fido_withdrawal_alloc(uint64_t gaddr, uint64_t len, size_t count)
{
	struct fido_withdrawal *w = malloc(sizeof(*w) + count * sizeof(w->extents[0]));

	if (w != NULL)
		*w = (struct fido_withdrawal){.gaddr = gaddr, .len = len};
	return w;
}

void
fido_withdrawal_add(struct fido_withdrawal *w, uint64_t gaddr, uint64_t len)
{
	w->extents[w->count++] = (struct fido_peer_extent){gaddr, len};
}

void
fido_withdrawal_begin(struct fido_domain *d, struct fido_withdrawal *w)
{
	struct fido_withdrawal **p = &d->withdrawals;

	/* In the order in which they began. */
	while (*p != NULL)
		p = &(*p)->next;
	*p = w;
	fido_withdrawals_step(d);
}

/* @return true when somebody may still be reading a part of it */
static bool
is_named(struct fido_domain *d, const struct fido_withdrawal *w)
{
	for (uint32_t i = 0; i < FIDO_DOMAIN_LINKS_MAX; i++)
		if (d->links[i] != NULL && fido_link_names(d->links[i], w->gaddr, w->len))
			return true;
	return false;
}

/* Our own view goes with it: what of it has come back to us was out as well. */
static void
tell(struct fido_domain *d, const struct fido_withdrawal *w)
{
	uint32_t epoch;

	for (size_t i = 0; i < w->count; i++) {
		fido_map_clear(&d->map, w->extents[i].gaddr, w->extents[i].len);
		fido_slot_unmap(&d->layout, w->extents[i].gaddr, w->extents[i].len);
	}
	epoch = fido_domain_next_epoch(d);
	d->ops->withdraw(d->transport, w->gaddr, w->len, epoch);
}

bool
fido_withdrawals_step(struct fido_domain *d)
{
	struct fido_withdrawal **p = &d->withdrawals, *w;

	while ((w = *p) != NULL) {
		if (is_named(d, w)) {
			p = &w->next;
			continue;
		}
		*p = w->next;
		tell(d, w);
		free(w);
	}
	return d->withdrawals != NULL;
}

uint64_t
fido_withdrawal_pending(const struct fido_domain *d, uint64_t gaddr, uint64_t len)
{
	for (const struct fido_withdrawal *w = d->withdrawals; w != NULL; w = w->next)
		if (w->gaddr < gaddr + len && gaddr < w->gaddr + w->len)
			return w->gaddr + w->len;
	return 0;
}

void
fido_withdrawals_drop(struct fido_domain *d)
{
	struct fido_withdrawal *w;

	while ((w = d->withdrawals) != NULL) {
		d->withdrawals = w->next;
		free(w);
	}
}
