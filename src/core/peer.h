/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_PEER_H
#define FIDO_PEER_H

/**
 * @file
 * Peers: the other domains of the group, as the transport reports them. The domain's lock is held.
 */

#include <stdbool.h>
#include <stdint.h>

#include "domain_private.h"

struct fido_bell_set;
struct fido_held_shm;

/** One generation of another domain of the group. */
struct fido_peer {
	struct fido_peer *next;
	char name[FIDO_NAME_MAX];
	uint32_t slot;
	uint64_t generation;
	const struct fido_control_shm *control; /**< mapped at the slot's base */
	uint64_t control_size;                  /**< bytes of the control region */
	bool gone;        /**< left or died; stays mapped until nothing of it is held */
	bool clean;       /**< left: held nothing, and nothing of it was out */
	bool other_clock; /**< runs on another clock: its times cannot be compared with ours */
	/** Observer: maps only control regions. It gets no other memory and no links. */
	bool observes;
	struct fido_dead *death;     /**< allocated for the record of its death (recall.h) */
	uint64_t gone_ns;            /**< when it left or died (fido_now_ns()) */
	unsigned int refs;           /**< queue ends that read its control region */
	struct fido_extents extents; /**< what we have mapped of it, the control region first */
	/** -errno: some of its memory is not mapped, so no later epoch is published. 0: all is. */
	int map_error;
	bool map_error_told;         /**< `map_error` has been logged */
	struct fido_bell_set *bells; /**< doorbells that it sent us (bells.h) */
	struct fido_held_shm *held;  /**< once gone: what we hold by way of it; may be NULL */
	void *session;               /**< private to the transport; NULL once gone */
};

/* ---- for transports; the lock is held ---- */

/** What a transport has learned of a peer. */
struct fido_peer_info {
	const char *name; /**< unchecked */
	uint32_t slot;    /**< unchecked, as all others */
	uint64_t generation;
	uint64_t control_size; /**< bytes */
	void *session;         /**< private to the transport */
	bool other_clock;      /**< see struct fido_peer */
	bool observes;         /**< see struct fido_peer */
};

/**
 * A peer has arrived: map its control region, whole and at the slot's base, and check it.
 * @param fn  maps the control region, called with arg
 * @param out receives the peer, which the domain owns
 * @return
 *   - 0
 *   - -EPROTO: the peer breaks the protocol
 *   - -ESTALE: the peer is leaving
 *   - -EBUSY: the slot's address range is in use
 *   - -ENOMEM, other -errno, what fn returned
 */
int fido_domain_peer_arrived(struct fido_domain *d, const struct fido_peer_info *info,
	fido_map_fn fn, void *arg, struct fido_peer **out);
/**
 * A peer has exported pages: map them with fn, unless they are mapped already. A failure other than
 * -EPROTO and -EAGAIN is recorded with fido_domain_peer_map_failed().
 * @return 0, -EPROTO (not in its slot, not whole pages, or over others), -errno, what fn returned
 */
int fido_domain_peer_map(struct fido_domain *d, struct fido_peer *peer, const struct fido_extent *e,
	fido_map_fn fn, void *arg);
/**
 * Some of the peer's memory could not be mapped. No later epoch of the peer is published, so the
 * peer copies what it sends from there, until it has exported the memory again
 * (fido_domain_peer_export_restarted()). Logged once.
 */
void fido_domain_peer_map_failed(struct fido_domain *d, struct fido_peer *peer, int error);
/** The peer starts to export again, from the published epoch on, all memory that may be missing. */
void fido_domain_peer_export_restarted(struct fido_peer *peer);
/**
 * The peer has exported all its memory up to epoch `sent`, and all its withdrawals up to epoch
 * `withdrawn` are done: publish both, but `sent` only if no memory is missing.
 */
void fido_domain_peer_epoch(struct fido_domain *d, struct fido_peer *peer, uint32_t sent,
	uint32_t withdrawn);
/**
 * @return what a user can do about an error (-errno) that keeps memory from being sent or mapped:
 * the transport's advice (fido_transport_ops.memory_advice), or which limit of a process to raise
 */
const char *fido_memory_advice(const struct fido_domain *d, int error);
/**
 * A peer has withdrawn pages: unmap them.
 * @return 0, -EPROTO (not in its slot, or neither whole granules nor whole extents)
 */
int fido_domain_peer_unmap(struct fido_domain *d, struct fido_peer *peer, uint64_t gaddr,
	uint64_t len);
/** The peer has left (clean) or has certainly died. Its session is gone. */
void fido_domain_peer_gone(struct fido_domain *d, struct fido_peer *peer, bool clean);

/* ---- for the rest of libfido ---- */

/** @return the living peer of that name; NULL: none. Lock held. */
struct fido_peer *fido_domain_find_peer(struct fido_domain *d, const char *name);
/** @return number of peers, alive or not, whose memory is mapped. Takes the lock. */
unsigned int fido_domain_peer_count(struct fido_domain *d);
/** Unmap peers that are gone and of which nothing is held. Lock held. @return true: some wait */
bool fido_peers_collect(struct fido_domain *d);
/** Unmap and free all peers, whatever is held: the domain is leaving. */
void fido_peers_drop(struct fido_domain *d);
/** @return true: every living peer but observers has mapped all our memory up to epoch. */
bool fido_peers_reached(struct fido_domain *d, uint32_t epoch);

#endif
