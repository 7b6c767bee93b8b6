/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_OWN_SLOT_H
#define FIDO_OWN_SLOT_H

/**
 * @file
 * Which region an address in the domain's own slot lies in: a table by granule, read by senders (fido_txq_own_region).
 * Regions begin at granules, so each granule is of one region. The domain's lock is held.
 */

#include "domain_private.h"

/** Make the table; the layout is known. @return 0, -ENOMEM @see fido_own_slot_destroy */
int fido_own_slot_create(struct fido_domain *d);
void fido_own_slot_destroy(struct fido_domain *d);
/** Enter a region, before or after senders can find it in regions[]: they look there too. */
void fido_own_slot_add(struct fido_domain *d, const struct fido_region *r);
/** Take it out. */
void fido_own_slot_remove(struct fido_domain *d, const struct fido_region *r);

#endif
