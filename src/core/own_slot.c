/* SPDX-License-Identifier: BSD-3-Clause */
/* The table that tells senders which region an address in the domain's own slot lies in. */

#include "own_slot.h"

#include <errno.h>
#include <sys/mman.h>

static size_t
table_size(const struct fido_domain *d)
{
	return (size_t)((UINT64_C(1) << d->layout.slot_shift) >> FIDO_GRANULE_SHIFT);
}

int
fido_own_slot_create(struct fido_domain *d)
{
	d->own_granules = fido_granule_table(table_size(d));
	return d->own_granules != NULL ? 0 : -ENOMEM;
}

void
fido_own_slot_destroy(struct fido_domain *d)
{
	if (d->own_granules != NULL)
		munmap(d->own_granules, table_size(d));
	d->own_granules = NULL;
}

static void
set(struct fido_domain *d, const struct fido_region *r, uint8_t value)
{
	uint64_t first =
		(r->gaddr - fido_layout_slot_base(&d->layout, d->slot)) >> FIDO_GRANULE_SHIFT;
	uint64_t n = fido_granules_up(r->len) >> FIDO_GRANULE_SHIFT;

	for (uint64_t g = first; g < first + n; g++)
		fido_store_relaxed(&d->own_granules[g], value);
}

void
fido_own_slot_add(struct fido_domain *d, const struct fido_region *r)
{
	_Static_assert(FIDO_REGIONS_MAX < UINT8_MAX, "a byte holds an index + 1, or 0 for none");
	set(d, r, (uint8_t)(r->index + 1));
}

void
fido_own_slot_remove(struct fido_domain *d, const struct fido_region *r)
{
	set(d, r, 0);
}
