/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_OWN_SLOT_H
#define FIDO_OWN_SLOT_H

/**
 * @file
 * Which region an address in the domain's own slot lies in: a table by granule, which senders read
 * (fido_txq_own_region()). Regions begin at granule borders, so each granule belongs to one region.
 * The domain's lock is held.
 */

#include "domain_private.h"

/** Create the table. The layout must be known. @return 0, -ENOMEM @see fido_own_slot_destroy */
int fido_own_slot_create(struct fido_domain *d);
void fido_own_slot_destroy(struct fido_domain *d);
/** Add a region. Before or after it enters regions[]: senders check both. */
void fido_own_slot_add(struct fido_domain *d, const struct fido_region *r);
/** Remove a region. */
void fido_own_slot_remove(struct fido_domain *d, const struct fido_region *r);

#endif
