/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_BELLS_H
#define FIDO_BELLS_H

/**
 * @file
 * The doorbells that peers sent us, by link: our queues ring them to wake the peers' queues. The
 * domain's lock is held.
 */

#include <stdint.h>

#include <fido/domain.h>
#include <fido/link.h>

struct fido_doorbell;
struct fido_peer;

/** A peer's doorbells for one link. */
struct fido_bell_set {
	struct fido_bell_set *next;
	char link[FIDO_NAME_MAX];                       /**< name of the link */
	uint16_t nrx;                                   /**< of the peer's receive queues */
	uint16_t ntx;                                   /**< of the peer's transmit queues */
	struct fido_doorbell *rx[FIDO_LINK_QUEUES_MAX]; /**< by the peer's receive queue */
	struct fido_doorbell *tx[FIDO_LINK_QUEUES_MAX]; /**< by the peer's transmit queue */
};

/** Take over a set of doorbells that a peer sent, and have our queues ring them. */
void fido_domain_peer_bells(struct fido_domain *d, struct fido_peer *peer,
	struct fido_bell_set *set);
/** Free the doorbells of a destroyed link, unless another link has its name. */
void fido_domain_forget_bells(struct fido_domain *d, const char *peer_name, const char *link);
/** Free all doorbells of a peer. */
void fido_bells_free(struct fido_peer *peer);

#endif
