/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_HELD_H
#define FIDO_HELD_H

/**
 * @file
 * The messages that this domain holds by way of a peer that has ended, published for the domains
 * that wait for them (recall.h).
 *
 * Order of publication: the list, then `newest`, then `ended` in fido_mapped_shm. Once all messages
 * in the peer's rings have been read, the set of held messages only shrinks: an outdated list names
 * too many messages, never too few.
 */

#include <stdbool.h>
#include <stdint.h>

#include <fido/control_shm.h>

struct fido_domain;
struct fido_peer;

/** The messages held, while they are gathered. */
struct fido_held {
	bool unread;     /**< a message waits in a ring, and may become held at any time */
	uint64_t newest; /**< when the last message was read */
	uint32_t count;  /**< messages; gaddr[] has the first FIDO_HELD_LIST_MAX */
	uint64_t gaddr[FIDO_HELD_LIST_MAX];
};

/** Add a held message that was read at read_at. */
void fido_held_add(struct fido_held *held, uint64_t gaddr, uint64_t read_at);
/** Publish what is held of a peer that is gone. Domain's lock held. @return true: it changed */
bool fido_held_publish(struct fido_domain *d, struct fido_peer *peer);
/** Free the list: nothing of the peer is held any more. Domain's lock held. */
void fido_held_withdraw(struct fido_domain *d, struct fido_peer *peer);
/**
 * Ask another domain's control block what it holds by way of (slot, generation).
 * @return when the last held message was read; 0: none is held; UINT64_MAX: not known yet
 */
uint64_t fido_held_newest(const struct fido_control_shm *c, uint32_t slot, uint64_t generation);
/**
 * Copy the list. Required: fido_held_newest() has returned a time.
 * @param control_size bytes of c's control region that can be read
 * @param gaddr        receives the addresses
 * @return number of addresses, -ENOENT (no list, or an incomplete one), -EAGAIN (being written)
 */
int fido_held_read(const struct fido_control_shm *c, uint64_t control_size, uint32_t slot,
	uint64_t gaddr[FIDO_HELD_LIST_MAX]);

#endif
