/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_HOST_CLAIM_H
#define FIDO_HOST_CLAIM_H

/** @file Claim a name and a slot in a group's folder. */

#include "local_folder.h"

struct fido_domain;

/** The descriptors whose locks keep a claim. */
struct fido_host_claim {
	int slots;   /**< the folder's `lock`, with the bytes held there (local_slot.h) */
	int slot;    /**< our slot's own file, locked */
	int *former; /**< our removed slot files, still locked: peers have them open */
	unsigned int former_count;
};

/**
 * Claim the domain's name, and a slot that no living domain owns or maps. Sets d->slot. The caller
 * holds the folder's lock.
 * @return 0, -EEXIST (the name is taken; message written), -EBUSY (no slot is free now; no
 *         message), -errno (message written)
 */
int fido_host_claim(struct fido_local_folder *g, struct fido_domain *d,
	struct fido_host_claim *out);
/** Log that all slots are in use, and by what. */
void fido_host_claim_explain(const struct fido_local_folder *g, const struct fido_domain *d);
/**
 * Claim again after files were removed: create the slot's file and hold the bytes of our slot and
 * of those in `mapped` (one bit a slot). The caller holds the folder's lock.
 * @return 0, -EEXIST: another domain has taken the name or the slot meanwhile, -errno
 */
int fido_host_claim_again(struct fido_local_folder *g, const struct fido_domain *d,
	struct fido_host_claim *c, uint64_t mapped);
/** Give up name and slot. The caller does not hold the folder's lock. */
void fido_host_claim_end(struct fido_local_folder *g, const struct fido_domain *d,
	struct fido_host_claim *c);

#endif
