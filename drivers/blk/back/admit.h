/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_BLK_ADMIT_H
#define FIDO_BLK_ADMIT_H

/**
 * @file
 * Whether the backend takes one more client. A link that comes up in part, as descriptors run out in the middle, serves nobody:
 * doorbells that were never handed over are never rung. So a client is taken whole or not at all, and what the links of the
 * others need in passing (descriptors on their way to a peer, a domain that joins) is left free.
 */

#include <fido/link.h>

/**
 * Ask whether there is room for all that the link needs. Main thread.
 * @param clients links that there are
 * @param fds_to_come descriptors that these still get
 * @param ring_size of this end's rings
 * @return 0, -EMFILE (descriptors), -ENOSPC (links, control memory)
 */
int blk_admit(struct fido_domain *domain, unsigned int clients, unsigned int fds_to_come,
	const struct fido_offer *offer, uint32_t ring_size);
/** @return descriptors that the link needs, all in all */
unsigned int blk_admit_fds(const struct fido_offer *offer);
/** @return what the operator can do about it. */
const char *blk_admit_advice(int error);

#endif
