/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_PEER_H
#define FIDO_PEER_H

/**
 * @file
 * Peers: the other domains of the group, as transports report them. The domain's lock is held.
 */

#include <stdbool.h>
#include <stdint.h>

#include "domain_private.h"

struct fido_bell_set;
struct fido_held_shm;

/** Another domain of the group, of one generation. */
struct fido_peer {
	struct fido_peer *next;
	char name[FIDO_NAME_MAX];
	uint32_t slot;
	uint64_t generation;
	const struct fido_control_shm *control; /**< mapped at the slot's base */
	uint64_t control_size;
	bool gone;        /**< left or died; mapped until nothing of it is held */
	bool clean;       /**< it left, holding nothing */
	bool other_clock; /**< fido/clock.h reads another clock there: its times say nothing here */
	bool watches; /**< it says that it maps control regions only: it gets no more, and no links (find_peer() in link.c) */
	struct fido_dead *death;     /**< room for the note of its death (recall.h) */
	uint64_t gone_ns;            /**< when */
	unsigned int refs;           /**< queue ends that read its control region */
	struct fido_extents extents; /**< what is mapped of it; the control region is the first */
	int lacks; /**< -errno: some of its memory could not be mapped, so no later epoch is published; 0: nothing is missing */
	bool lacks_told; /**< it is in the log */
	struct fido_bell_set *bells;
	struct fido_held_shm
		*held; /**< what we hold by way of it, now that it is gone; may be NULL */
	void *session; /**< the transport's */
};

/* ---- for transports; the lock is held ---- */

/** What a transport learned of a peer. */
struct fido_peer_info {
	const char *name;
	uint32_t slot;
	uint64_t generation;
	uint64_t control_size;
	void *session;
	bool other_clock; /**< its fido/clock.h is not ours */
	bool watches;     /**< see struct fido_peer */
};

/**
 * A peer came. Maps its control region with fn (whole, at the slot's base), checks it.
 * @return 0, -EPROTO (it breaks the protocol), -ESTALE (it is leaving), -EBUSY (address range in use), -errno
 */
int fido_domain_peer_came(struct fido_domain *d, const struct fido_peer_info *info, fido_map_fn fn,
	void *arg, struct fido_peer **out);
/**
 * Pages of a peer were exported: map them with fn. What is mapped already is not mapped again. A failure is
 * remembered (fido_domain_peer_lacks()), but for -EPROTO and -EAGAIN.
 * @return 0, -EPROTO (not in its slot, not whole pages, over others), what fn returned
 */
int fido_domain_peer_map(struct fido_domain *d, struct fido_peer *peer, const struct fido_extent *e,
	fido_map_fn fn, void *arg);
/**
 * Some of the peer's memory is missing here: no later epoch of it is published, so its owner copies what lies there,
 * until the peer sends it again (fido_domain_peer_again()). Told once.
 */
void fido_domain_peer_lacks(struct fido_domain *d, struct fido_peer *peer, int error);
/** What follows is all memory of the peer after the epoch that is published. */
void fido_domain_peer_again(struct fido_peer *peer);
/**
 * The peer has sent all of its memory up to `sent`, and all withdrawals up to `withdrawn` are done: publish both; `sent`
 * only while nothing is missing.
 */
void fido_domain_peer_epoch(struct fido_domain *d, struct fido_peer *peer, uint32_t sent,
	uint32_t withdrawn);
/** @return what a user can do about an error that kept memory from a peer */
const char *fido_memory_advice(int error);
/** Pages of a peer were withdrawn: unmap them. @return 0, -EPROTO (not of its slot, or not whole granules) */
int fido_domain_peer_unmap(struct fido_domain *d, struct fido_peer *peer, uint64_t gaddr,
	uint64_t len);
/** The peer left (clean) or has certainly died. Its session is gone. */
void fido_domain_peer_gone(struct fido_domain *d, struct fido_peer *peer, bool clean);

/* ---- for the rest of libfido ---- */

/** @return the living peer of that name, or NULL. Lock held. */
struct fido_peer *fido_domain_find_peer(struct fido_domain *d, const char *name);
/** @return the number of peers whose memory this domain has mapped (alive or not). Takes the lock. */
unsigned int fido_domain_peer_count(struct fido_domain *d);
/** Unmap peers that are gone and of which nothing is held. Lock held. @return true: some still wait */
bool fido_peers_collect(struct fido_domain *d);
/** Forget all peers, whatever is held. The domain leaves. */
void fido_peers_drop(struct fido_domain *d);
/** @return true when every living peer, but for those that watch, has mapped all our memory up to epoch. */
bool fido_peers_reached(struct fido_domain *d, uint32_t epoch);

#endif
