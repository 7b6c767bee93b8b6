/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_HELD_H
#define FIDO_HELD_H

/**
 * @file
 * What this domain holds of what came by way of a peer that has ended, published for those who wait for it (recall.h).
 *
 * Publishing: the list, then `newest`, then `ended` in fido_mapped_shm. Once all that waited in the peer's rings has been
 * read, what is held only becomes less: a list that is older than its reader thinks names too much, never too little.
 */

#include <stdbool.h>
#include <stdint.h>

#include <fido/control_shm.h>

struct fido_domain;
struct fido_peer;

/** What is held, while it is gathered. */
struct fido_held {
	bool unread;     /**< something waits in a ring: what it names may be held any time */
	uint64_t newest; /**< when the newest was read */
	uint32_t count;  /**< messages; the list has the first FIDO_HELD_LIST_MAX */
	uint64_t gaddr[FIDO_HELD_LIST_MAX];
};

/** Add a message that is held. */
void fido_held_add(struct fido_held *held, uint64_t gaddr, uint64_t read_at);
/** Publish what is held of a peer that is gone. Domain's lock held. @return true: it is news */
bool fido_held_publish(struct fido_domain *d, struct fido_peer *peer);
/** Nothing is held; free the list. Domain's lock held. */
void fido_held_withdraw(struct fido_domain *d, struct fido_peer *peer);
/**
 * Read what a domain holds by way of (slot, generation).
 * @return when the newest of it was read; 0: nothing is held, UINT64_MAX: not known yet
 */
uint64_t fido_held_newest(const struct fido_control_shm *c, uint32_t slot, uint64_t generation);
/**
 * Copy the list, after fido_held_newest() has said a time.
 * @param control_size bytes of c's control region that can be read
 * @return number of addresses, -ENOENT (there is no list, or it is not complete), -EAGAIN (being written)
 */
int fido_held_read(const struct fido_control_shm *c, uint64_t control_size, uint32_t slot,
	uint64_t gaddr[FIDO_HELD_LIST_MAX]);

#endif
