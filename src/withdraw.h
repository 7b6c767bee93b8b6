/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_WITHDRAW_H
#define FIDO_WITHDRAW_H

/**
 * @file
 * Own memory on its way out of the group.
 *
 * A peer that is told to unmap a page reads zeros there from then on, and may be in the middle of reading it: a block
 * backend writes to its medium from the front-end's memory. So no peer is told while a ticket is out that names the memory.
 * A peer that hangs delays that for as long as it hangs; the memory, which only its mappings keep, and its addresses stay
 * until then.
 *
 *   exported -- fido_withdrawal_begin --> pending -- no ticket names it --> told (the next epoch) --> peers unmap it
 *
 * | state    | sent by pointer | sent to newcomers | readable in peers, and here | address can be used again |
 * |----------|-----------------|-------------------|-----------------------------|---------------------------|
 * | exported | yes             | yes               | yes                         | no                        |
 * | pending  | no              | no                | yes                         | no                        |
 * | told     | no              | no                | until the peer unmaps it    | yes: messages keep order  |
 *
 * The domain's lock is held throughout.
 */

#include "domain_private.h"

/** A range that peers have not been told of yet. */
struct fido_withdrawal {
	struct fido_withdrawal *next;
	uint64_t gaddr;
	uint64_t len;
	size_t count;
	struct fido_peer_extent extents[]; /**< what of it was exported: mapped in our own view */
};

/** @return room for what `count` extents of the domain give up, or NULL. @see fido_withdrawal_begin */
struct fido_withdrawal *fido_withdrawal_alloc(uint64_t gaddr, uint64_t len, size_t count);
/** Add a part of an extent that is exported no more; there is room for it. */
void fido_withdrawal_add(struct fido_withdrawal *w, uint64_t gaddr, uint64_t len);
/** Withdraw it as soon as no ticket names it. Its granules are marked: no sender begins to. */
void fido_withdrawal_begin(struct fido_domain *d, struct fido_withdrawal *w);
/** Tell the peers of what is named no more. @return true: something is pending still */
bool fido_withdrawals_step(struct fido_domain *d);
/** @return the end of a pending range that touches [gaddr, gaddr + len), or 0. */
uint64_t fido_withdrawal_pending(const struct fido_domain *d, uint64_t gaddr, uint64_t len);
/** Forget what is pending. The domain leaves: what peers have mapped stays until they hold nothing of it. */
void fido_withdrawals_drop(struct fido_domain *d);

#endif
