/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_BELLS_H
#define FIDO_BELLS_H

/**
 * @file
 * The doorbells that peers gave us, by link: our queues ring them to wake their peers. The domain's lock is held.
 */

#include <stdint.h>

#include <fido/domain.h>
#include <fido/link.h>

struct fido_doorbell;
struct fido_peer;

/** The doorbells that a peer gave us for one of its links. */
struct fido_bell_set {
	struct fido_bell_set *next;
	char link[FIDO_NAME_MAX];
	uint16_t nrx;
	uint16_t ntx;
	struct fido_doorbell *rx[FIDO_LINK_QUEUES_MAX];
	struct fido_doorbell *tx[FIDO_LINK_QUEUES_MAX];
};

/** The peer's doorbells for a link came; the set is the domain's now. */
void fido_domain_peer_bells(struct fido_domain *d, struct fido_peer *peer,
	struct fido_bell_set *set);
/** A link is gone: with it, if there is no other of its name, the doorbells that its peer gave us for it. */
void fido_domain_forget_bells(struct fido_domain *d, const char *peer_name, const char *link);
/** Free all doorbells of a peer. */
void fido_bells_free(struct fido_peer *peer);

#endif
