/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_HOST_CLAIM_H
#define FIDO_HOST_CLAIM_H

/** @file Taking a name and a slot in a group's folder. The folder's lock is held throughout. */

#include "host_group.h"

struct fido_domain;

/** Check that the domain's name is free; remove what a dead domain of that name left. @return 0, -EEXIST, -errno (message written) */
int fido_host_claim_name(const struct fido_domain *d, const struct sockaddr_un *address);
/**
 * Claim a slot that nobody has, else one whose owner has died and that no living domain has mapped; sets d->slot. May block
 * for half a second for each domain that is hung.
 * @return a descriptor that keeps the claim, -ENOSPC, -errno (message written)
 */
int fido_host_claim_slot(struct fido_host_group *g, struct fido_domain *d);

#endif
