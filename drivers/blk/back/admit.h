/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_BLK_ADMIT_H
#define FIDO_BLK_ADMIT_H

/**
 * @file
 * Admission control: decide whether the backend can serve one more client. A link that runs out of
 * file descriptors while it comes up is useless: doorbells that were not handed over are never
 * rung. So admit a client completely or not at all, and keep spare what the other links need
 * briefly (descriptors in transit to a peer, a joining domain).
 */

#include <fido/link.h>

/**
 * Check that everything the link needs is available. Main thread.
 * @param clients number of existing links
 * @param fds_to_come descriptors that the existing links have yet to open
 * @param ring_size size of this end's rings
 * @return 0, -EMFILE (descriptors), -ENOSPC (links, control memory)
 */
int blk_admit(struct fido_domain *domain, unsigned int clients, unsigned int fds_to_come,
	const struct fido_offer *offer, uint32_t ring_size);
/** @return total number of descriptors that the link needs */
unsigned int blk_admit_fds(const struct fido_offer *offer);
/** @return what the operator can do about the error */
const char *blk_admit_advice(int error);

#endif
