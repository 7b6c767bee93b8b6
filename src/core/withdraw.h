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

/**
 * Have room for withdrawing all that is exported, and one extent more that is about to be, in any parts: to withdraw must not
 * fail. @return 0, -ENOMEM
 */
int fido_withdrawals_reserve(struct fido_domain *d, uint64_t gaddr, uint64_t len);
/**
 * Withdraw what is exported of a range of whole granules, each extent of it as soon as no ticket names it. Its granules are
 * marked: no sender begins to. @return bytes that were exported
 */
uint64_t fido_withdrawal_begin(struct fido_domain *d, uint64_t gaddr, uint64_t len);
/** Tell the peers of what is named no more. @return true: something is pending still */
bool fido_withdrawals_step(struct fido_domain *d);
/** @return the end of a pending range that touches [gaddr, gaddr + len), or 0. */
uint64_t fido_withdrawal_pending(const struct fido_domain *d, uint64_t gaddr, uint64_t len);

#endif
