/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_LINK_PRIVATE_H
#define FIDO_LINK_PRIVATE_H

/**
 * @file
 * A link from the inside, and what the rest of libfido calls. The domain's lock is held throughout.
 */

#include <fido/link.h>
#include <fido/note.h>
#include <fido/rxq.h>
#include <fido/txq.h>

#include "bells.h"
#include "domain_private.h"
#include "held.h"
#include "peer.h"
#include "queue_private.h"

/** Stages in the life of a ring. */
enum fido_ring_state {
	FIDO_RING_LIVE,    /**< of the present incarnation */
	FIDO_RING_RETIRED, /**< of an earlier incarnation; tickets may still be out or held */
	FIDO_RING_DRAINED, /**< no tickets left; its memory stays until the peer has finished */
};

/** A sender, and the shared memory of its descriptor ring. */
struct fido_tx_ring {
	struct fido_tx_ring *next;     /**< in link->tx_rings */
	struct fido_tx_ring *next_old; /**< in txq->old; guarded by the queue's lock */
	struct fido_sender *sender;
	struct fido_txq *queue;
	struct fido_peer *peer; /**< NULL: never attached */
	size_t shm_size;
	enum fido_ring_state state;
	bool recalled; /**< recalled tickets wait to be reaped; guarded by the queue's lock */
};

/** A receiver, and the shared memory of its completion ring. */
struct fido_rx_ring {
	struct fido_rx_ring *next;
	struct fido_receiver *receiver;
	struct fido_rxq *queue;
	struct fido_peer *peer;
	size_t shm_size;
	enum fido_ring_state state;
	bool polled;         /**< in queue->receivers[] */
	bool discard;        /**< the application polls no more: complete descriptors as closed */
	uint16_t peer_index; /**< the peer's transmit queue */
};

struct fido_link {
	struct fido_domain *domain;
	uint32_t index; /**< in the control block */
	struct fido_link_shm *shm;
	char peer_name[FIDO_NAME_MAX];
	char name[FIDO_NAME_MAX];
	fido_link_event_fn event;
	void *arg;

	enum fido_link_state state;
	uint64_t incarnation;
	struct fido_peer *peer;    /**< bound to this peer; NULL: not bound */
	uint64_t peer_incarnation; /**< bound to this incarnation of the peer's end */
	uint64_t ready_ns;         /**< waiting since then for others to map memory; 0: not */
	bool want_open; /**< the application has opened it, and libfido has not given up */
	int error;      /**< why libfido has given up; any thread reads it */
	bool quiesced;
	bool waits_for_bells; /**< its doorbells could not be sent to the peer, which was logged */
	bool up;              /**< posting is allowed; any thread reads it */
	bool reported_up;     /**< what the application's event function was last told */
	bool destroyed;       /**< will be freed when its last ring is */

	uint16_t ntx;
	uint16_t nrx;
	uint32_t ring_size;
	struct fido_peer_view view;
	struct fido_txq *txq[FIDO_LINK_QUEUES_MAX];
	struct fido_rxq *rxq[FIDO_LINK_QUEUES_MAX];
	struct fido_tx_ring *tx_rings;
	struct fido_rx_ring *rx_rings;
	size_t tx_stats_size;
	size_t rx_stats_size;
	struct fido_note_shm *note;            /**< ours; NULL: none yet */
	const struct fido_note_shm *peer_note; /**< of the peer's end; NULL: none */
};

/** @return the id of a queue of one incarnation; never used twice. */
uint64_t fido_queue_id(uint64_t incarnation, uint16_t index);
/** Create a sender of the present incarnation. @return 0, -ENOSPC (control region), -ENOMEM */
int fido_tx_ring_create(struct fido_link *link, struct fido_txq *q);
/**
 * Create a receiver for one of the peer's senders. It is polled once the sender has attached.
 * @param ref   where the peer says that the sender's part is, unchecked
 * @param index the peer's transmit queue
 * @return 0, -EPROTO (ref is not a ring), -ENOSPC (control region), -ENOMEM
 */
int fido_rx_ring_create(struct fido_link *link, struct fido_peer *peer,
	const struct fido_queue_ref_shm *ref, uint16_t index);
/**
 * Check where a peer says that one of its rings is.
 * @param size_of fido_sender_shm_size() or fido_receiver_shm_size()
 * @return the ring; NULL: not in the heap of the peer's control region, or a bad size
 */
const void *fido_check_ref(const struct fido_link *link, const struct fido_peer *peer,
	const struct fido_queue_ref_shm *ref, size_t (*size_of)(uint32_t));
/** @return tickets that this queue holds. Any thread; does not block. */
uint32_t fido_rxq_held(struct fido_rxq *q);
/** @return the doorbells that the peer sent us for this link; NULL: none. */
const struct fido_bell_set *fido_link_peer_bells(const struct fido_link *link,
	const struct fido_peer *peer);
/** The parts of fido_txq_arm() before and after the fence. They take the queue's lock. */
void fido_txq_set_armed(struct fido_txq *q);
bool fido_txq_pending(struct fido_txq *q);
/**
 * Have the queues that are connected to the peer ring these doorbells from now on, and no others.
 */
void fido_link_set_bells(struct fido_link *link, const struct fido_peer *peer,
	const struct fido_bell_set *set);
/** Start to poll the receivers whose senders have attached. */
void fido_link_poll_ready(struct fido_link *link);

/** Step the state machine by the peer's control block. @return true: our state changed */
bool fido_link_step(struct fido_link *link);
/** fido_link_close() with the lock held. */
void fido_link_close_locked(struct fido_link *link);
/** A region is about to be freed: clear it from the queues' caches. */
void fido_link_forget_region(struct fido_link *link, const struct fido_region *region);
/** Retire and free the rings that can be. @return true: some must wait (call again soon) */
bool fido_link_collect(struct fido_link *link);
/**
 * @return true: a receiver of the link holds a buffer in [gaddr, gaddr + len), or has yet to poll
 *         it.
 */
bool fido_link_holds(struct fido_link *link, uint64_t gaddr, uint64_t len);
/**
 * Set the tag of each extent of a set of own memory that a ticket of the link names: it may be
 * read.
 */
void fido_link_tag_named(struct fido_link *link, struct fido_extents *set);
/** Add the messages held here that came through the rings of a peer that has ended. */
void fido_link_add_held(const struct fido_link *link, const struct fido_peer *peer,
	struct fido_held *held);
/** Reap a ring and drop the cookies. The queue's lock is held. */
void fido_tx_ring_forget(struct fido_tx_ring *e);
/** @return true: no ticket of the link is out or held. */
bool fido_link_quiet(struct fido_link *link);
/**
 * Check where a peer says that its note is.
 * @param offset in the peer's control region, unchecked
 * @return the note; NULL: not in the heap of the control region
 */
const struct fido_note_shm *fido_link_peer_note(const struct fido_link *link,
	const struct fido_peer *peer, uint32_t offset);
/** Free our own note. */
void fido_link_free_note(struct fido_link *link);
/** Free the link at once, even if tickets are out: the domain is leaving, or no ring is left. */
void fido_link_free(struct fido_link *link);

#endif
