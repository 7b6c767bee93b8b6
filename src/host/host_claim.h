/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_HOST_CLAIM_H
#define FIDO_HOST_CLAIM_H

/** @file Taking a name and a slot in a group's folder. */

#include "local_folder.h"

struct fido_domain;

/** What keeps a claim. */
struct fido_host_claim {
	int slots; /**< the file whose byte of our slot, and of all that we map, is held (local_slot.h) */
	int slot;    /**< the slot's own file, locked */
	int *former; /**< those that were removed and put back, still locked: peers have them open */
	unsigned int former_count;
};

/**
 * Claim the domain's name, and a slot that no living domain has or maps; sets d->slot. The folder's lock is held.
 * @return 0, -EEXIST (the name is taken; message written), -EBUSY (no slot is free now; no message), -errno (message written)
 */
int fido_host_claim(struct fido_local_folder *g, struct fido_domain *d,
	struct fido_host_claim *out);
/** Say that all slots are in use. */
void fido_host_claim_explain(const struct fido_local_folder *g, const struct fido_domain *d);
/**
 * Put back what has been removed: the slot's file and the bytes that are held, of ours and of `mapped` (a bit for each slot). The folder's
 * lock is held. @return 0, -EEXIST: name or slot have been taken by another meanwhile, -errno
 */
int fido_host_claim_again(struct fido_local_folder *g, const struct fido_domain *d,
	struct fido_host_claim *c, uint64_t mapped);
/** Give up the slot. Without the folder's lock. */
void fido_host_claim_end(struct fido_local_folder *g, const struct fido_domain *d,
	struct fido_host_claim *c);

#endif
