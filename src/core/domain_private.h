/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_DOMAIN_PRIVATE_H
#define FIDO_DOMAIN_PRIVATE_H

/**
 * @file
 * A domain from the inside: its control region, peers, regions and links, and what transports report.
 *
 * Locking: domain->lock guards everything here and in link_private.h but the data path's queues, which
 * have their own locks (order: domain->lock, then a queue's lock). The application's callbacks are run
 * without the lock. The lock is never held while DPDK's memory locks may be taken: DPDK calls us with
 * those held.
 */

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <fido/domain.h>
#include <fido/region.h>

#include <fido/control_shm.h>
#include <fido/now.h>
#include "extents.h"
#include "map.h"
#include "transport.h"

/** Pages of the control region's heap. */
#define FIDO_HEAP_PAGE 4096u

/** Of a domain that has exported nothing but its control region. */
#define FIDO_EPOCH_FIRST 1u

/** The doorbells that a peer gave us for one of its links. */
struct fido_bell_set {
	struct fido_bell_set *next;
	char link[FIDO_NAME_MAX];
	uint16_t nrx;
	uint16_t ntx;
	struct fido_doorbell *rx[FIDO_LINK_QUEUES_MAX];
	struct fido_doorbell *tx[FIDO_LINK_QUEUES_MAX];
};

struct fido_dead;

/** Another domain of the group, of one generation. */
struct fido_peer {
	struct fido_peer *next;
	char name[FIDO_NAME_MAX];
	uint32_t slot;
	uint64_t generation;
	const struct fido_control_shm *control; /**< mapped at the slot's base */
	uint64_t control_size;
	bool gone;             /**< left or died; mapped until nothing of it is held */
	bool clean;            /**< it left, holding nothing */
	bool other_clock;      /**< fido/clock.h reads another clock there: its times say nothing here */
	bool watches;          /**< it says that it maps control regions only: it gets no more, and no links (find_peer() in link.c) */
	struct fido_dead *death; /**< room for the note of its death (recall.h) */
	uint64_t gone_ns;      /**< when */
	unsigned int refs;     /**< queue ends that read its control region */
	struct fido_extents extents; /**< what is mapped of it; the control region is the first */
	int lacks;             /**< -errno: some of its memory could not be mapped, so no later epoch is published; 0: nothing is missing */
	bool lacks_told;       /**< it is in the log */
	struct fido_bell_set *bells;
	struct fido_held_shm *held; /**< what we hold by way of it, now that it is gone; may be NULL */
	void *session;         /**< the transport's */
};

struct fido_domain {
	pthread_mutex_t lock;
	char group[FIDO_NAME_MAX];
	char name[FIDO_NAME_MAX];
	struct fido_layout layout;
	uint32_t slot;
	uint64_t generation;
	struct fido_map map;
	bool no_hugepages;
	bool watches;
	const char *allow;       /**< as in the configuration; valid while joining */
	bool layout_claimed;
	bool slot_reserved;

	struct fido_control_shm *control;
	size_t control_size;
	int control_fd;
	uint8_t *heap_used;      /**< a byte for each page of the control region's heap */

	struct fido_region *regions[FIDO_REGIONS_MAX + 1];
	uint64_t region_end[FIDO_REGIONS_MAX];
	uint8_t *own_granules;   /**< by granule of the slot: which region it is of (own_slot.h) */
	struct fido_extents extents; /**< what is exported; the tag is the epoch of each */
	struct fido_extents pending; /**< what is being withdrawn (withdraw.h); the tag is 1: a ticket names it */
	uint32_t withdrawn_epoch;    /**< of the last withdrawal that peers were told of */

	struct fido_link *links[FIDO_DOMAIN_LINKS_MAX];
	struct fido_peer *peers;
	struct fido_dead *dead;  /**< generations that have ended: recall.c */

	const struct fido_transport_ops *ops;
	void *transport;
	pthread_t thread;
	bool thread_started;
	bool look_again;         /**< some link waits for something that nobody will tell it of */
	bool try_again;          /**< some link waits for descriptors: it is tried again in a while */
	bool dirty;              /**< what we have mapped changed: tell the peers */
	uint64_t retry_ns;       /**< when the transport tries again what failed; 0: nothing did */
	uint64_t retried_ns;     /**< when it last did */
	uint32_t retry_ms;       /**< how long that had been put off */
	uint64_t faults_told;    /**< of fido_sigbus_count() */
	bool stop;
	const struct fido_link *reporting; /**< its event function runs now */
	int wake_fd;
	int epoll_fd;
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
void fido_domain_peer_epoch(struct fido_domain *d, struct fido_peer *peer, uint32_t sent, uint32_t withdrawn);
/** @return what a user can do about an error that kept memory from a peer */
const char *fido_memory_advice(int error);
/** Have the transport's retry() called in a while. */
void fido_domain_retry_later(struct fido_domain *d);
/** Pages of a peer were withdrawn: unmap them. @return 0, -EPROTO (not of its slot, or not whole granules) */
int fido_domain_peer_unmap(struct fido_domain *d, struct fido_peer *peer, uint64_t gaddr, uint64_t len);
/** The peer's doorbells for a link came; the set is the domain's now. */
void fido_domain_peer_bells(struct fido_domain *d, struct fido_peer *peer, struct fido_bell_set *set);
/** A link is gone: with it, if there is no other of its name, the doorbells that its peer gave us for it. */
void fido_domain_forget_bells(struct fido_domain *d, const char *peer_name, const char *link);
/** The peer left (clean) or has certainly died. Its session is gone. */
void fido_domain_peer_gone(struct fido_domain *d, struct fido_peer *peer, bool clean);
/** A peer's control block changed: bring all links up to date. */
void fido_domain_update(struct fido_domain *d);

/* ---- for the rest of libfido ---- */

/** @return the domain's slot; what it has mapped; its group's layout. */
uint32_t fido_domain_slot(const struct fido_domain *d);
const struct fido_map *fido_domain_map(const struct fido_domain *d);
const struct fido_layout *fido_domain_layout(const struct fido_domain *d);
/** @return the number of peers whose memory this domain has mapped (alive or not). Takes the lock. */
unsigned int fido_domain_peer_count(struct fido_domain *d);

/** Allocate zeroed, page-aligned memory of the control region. Lock held. @return NULL: none left */
void *fido_domain_heap_alloc(struct fido_domain *d, size_t size);
void fido_domain_heap_free(struct fido_domain *d, void *p, size_t size);
/** @return where the group sees an address of the control region. */
uint64_t fido_domain_control_gaddr(const struct fido_domain *d, const void *p);
/** @return the living peer of that name, or NULL. Lock held. */
struct fido_peer *fido_domain_find_peer(struct fido_domain *d, const char *name);
/** Wake the control thread. Any thread. */
void fido_domain_kick(struct fido_domain *d);
/** Unmap peers that are gone and of which nothing is held. Lock held. @return true: some still wait */
bool fido_peers_collect(struct fido_domain *d);
/** Forget all peers, whatever is held. The domain leaves. */
void fido_peers_drop(struct fido_domain *d);
/** @return true when every living peer, but for those that watch, has mapped all our memory up to epoch. */
bool fido_peers_reached(struct fido_domain *d, uint32_t epoch);

/** How much of our memory a reader has been sent: all up to here, in the order of epoch and address. Zero: nothing. */
struct fido_sent {
	uint32_t epoch;
	uint64_t gaddr;   /**< the last one of that epoch; UINT64_MAX: all */
	int error;        /**< -errno: what comes next could not be sent, and is tried again later */
	bool told;        /**< it is in the log */
};

/** @return true when there is something that the reader has not been sent, or not been told of. */
bool fido_unsent(const struct fido_domain *d, const struct fido_sent *sent);
/**
 * Find what a reader is to be sent next.
 * @param max   places in `out`; FIDO_UNSENT_MAX at most
 * @param after how much it has when these have been sent
 * @return number of extents; 0: all has been sent
 */
#define FIDO_UNSENT_MAX 32
size_t fido_unsent_next(const struct fido_domain *d, const struct fido_sent *sent, struct fido_extent *out, size_t max,
		struct fido_sent *after);
/** @return the epoch up to which nothing is missing */
uint32_t fido_sent_epoch(const struct fido_sent *sent);
/** A withdrawal made a new epoch, and the reader has been told. */
void fido_sent_withdrawal(struct fido_sent *sent, uint32_t epoch);
/** What comes next could not be sent to that reader. Told once; retry() is called in a while. */
void fido_sent_failed(struct fido_domain *d, struct fido_sent *sent, const char *reader, int error);
/** All has been sent. */
void fido_sent_all(struct fido_domain *d, struct fido_sent *sent, const char *reader);
/** Free a region without waiting for peers. NULL is legal. */
void fido_region_free(struct fido_region *region);
/** Publish that our own memory changed: the next epoch. Lock held. @return it */
uint32_t fido_domain_next_epoch(struct fido_domain *d);

#endif
