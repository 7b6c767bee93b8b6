/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_WITHDRAW_H
#define FIDO_WITHDRAW_H

/**
 * @file
 * Withdraw own memory from the group.
 *
 * A peer that unmaps a page reads zeros there from then on. It may be in the middle of reading it:
 * a block backend writes to its medium from the front-end's memory. So no peer is told to unmap
 * memory while a ticket that names it is out. A peer that hangs delays that for as long as it
 * hangs. Until then the peers' mappings keep the memory, and its addresses stay in use.
 *
 *   exported -- fido_withdrawal_begin --> pending
 *   pending  -- no ticket names it -----> told (the next epoch) --> peers unmap it
 *
 * | state    | sent by pointer | exported to   | readable in peers | address can be used |
 * |          |                 | new peers     | and here          | again               |
 * |----------|-----------------|---------------|-------------------|---------------------|
 * | exported | yes             | yes           | yes               | no                  |
 * | pending  | no              | no            | yes               | no                  |
 * | told     | no              | no            | until the peer    | yes: messages keep  |
 * |          |                 |               | unmaps it         | order               |
 *
 * The domain's lock is held throughout.
 */

#include "domain_private.h"

/**
 * Make room to withdraw, in any parts, all exported memory and one extent that is about to be
 * exported, so that a withdrawal cannot fail.
 * @return 0, -ENOMEM
 */
int fido_withdrawals_reserve(struct fido_domain *d, uint64_t gaddr, uint64_t len);
/**
 * Withdraw the exported extents in a range of whole granules, each as soon as no ticket names it.
 * Required: the granules are marked, so that no sender posts them any more.
 * @return number of bytes that were exported
 */
uint64_t fido_withdrawal_begin(struct fido_domain *d, uint64_t gaddr, uint64_t len);
/** Tell the peers to unmap extents that no ticket names any more. @return true: some are pending */
bool fido_withdrawals_step(struct fido_domain *d);
/** @return the end of a pending extent that touches [gaddr, gaddr + len); 0: none */
uint64_t fido_withdrawal_pending(const struct fido_domain *d, uint64_t gaddr, uint64_t len);

#endif
