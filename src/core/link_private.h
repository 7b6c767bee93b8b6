/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_LINK_PRIVATE_H
#define FIDO_LINK_PRIVATE_H

/** @file A link from the inside, and what the domain asks of it. The domain's lock is held throughout. */

#include <fido/link.h>
#include <fido/note.h>
#include <fido/rxq.h>
#include <fido/txq.h>

#include "bells.h"
#include "domain_private.h"
#include "held.h"
#include "peer.h"
#include "queue_private.h"

/** Where a queue end is in its life. */
enum fido_ring_state {
	FIDO_RING_LIVE,    /**< of the present incarnation */
	FIDO_RING_OLD,     /**< of an earlier one; tickets may still be out or held */
	FIDO_RING_RETIRED, /**< done; its memory waits until the peer no longer reads it */
};

/** A sender with the memory it lives in. */
struct fido_tx_ring {
	struct fido_tx_ring *next;     /**< in link->tx_rings */
	struct fido_tx_ring *next_old; /**< in txq->old; guarded by the queue's lock */
	struct fido_sender *sender;
	struct fido_txq *queue;
	struct fido_peer *peer; /**< NULL: never attached */
	size_t shm_size;
	enum fido_ring_state state;
	bool recalled; /**< recalled tickets wait to be reaped. Queue's lock */
};

/** A receiver with the memory it lives in. */
struct fido_rx_ring {
	struct fido_rx_ring *next;
	struct fido_receiver *receiver;
	struct fido_rxq *queue;
	struct fido_peer *peer;
	size_t shm_size;
	enum fido_ring_state state;
	bool polled;  /**< in queue->receivers[] */
	bool discard; /**< the application polls no more: complete what comes as closed */
	uint16_t peer_index;
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
	struct fido_peer *peer; /**< bound to */
	uint64_t peer_incarnation;
	uint64_t ready_ns; /**< since when only the others' mappings are waited for; 0: not */
	bool want_open;
	int error; /**< why want_open is not what the application said; read by other threads */
	bool quiesced;
	bool waits_for_bells; /**< its doorbells could not be handed to the peer; has been logged */
	bool up;              /**< posting is allowed */
	bool reported_up;     /**< what the application was last told */
	bool destroyed;       /**< only waits for its ends */

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
	struct fido_note_shm *note; /**< ours; NULL: none yet */
	const struct fido_note_shm
		*peer_note; /**< of the peer that our senders are attached to; NULL: none */
};

/** @return what names a queue of one incarnation; never used twice. */
uint64_t fido_queue_id(uint64_t incarnation, uint16_t index);
/** Make a sender of the link's present incarnation. @return 0, -ENOSPC (control region), -ENOMEM */
int fido_tx_ring_create(struct fido_link *link, struct fido_txq *q);
/** Make a receiver for one of the peer's senders. It is polled once the sender has attached.
 *  @return 0, -EPROTO (what the peer published is no ring), -ENOSPC, -ENOMEM */
int fido_rx_ring_create(struct fido_link *link, struct fido_peer *peer,
	const struct fido_queue_ref_shm *ref, uint16_t index);
/** What a peer published of one of its rings, checked. @return NULL: not usable */
const void *fido_check_ref(const struct fido_link *link, const struct fido_peer *peer,
	const struct fido_queue_ref_shm *ref, size_t (*size_of)(uint32_t));
/** @return tickets this queue holds. Takes its lock. */
uint32_t fido_rxq_held(struct fido_rxq *q);
/** @return the doorbells that the peer gave us for this link, or NULL. */
const struct fido_bell_set *fido_link_peer_bells(const struct fido_link *link,
	const struct fido_peer *peer);
/** The parts of fido_txq_arm() before and after the fence. */
void fido_txq_set_armed(struct fido_txq *q);
bool fido_txq_pending(struct fido_txq *q);
/** Have the queues that are connected to the peer ring these doorbells from now on, and no others. */
void fido_link_set_bells(struct fido_link *link, const struct fido_peer *peer,
	const struct fido_bell_set *set);
/** Begin to poll the receivers whose senders have attached. */
void fido_link_poll_ready(struct fido_link *link);

/** Bring the link's state up to date with its peer's control block. @return true: ours changed */
bool fido_link_step(struct fido_link *link);
/** fido_link_close() with the lock held. */
void fido_link_close_locked(struct fido_link *link);
/** A region goes away: no queue may remember it. */
void fido_link_forget_region(struct fido_link *link, const struct fido_region *region);
/** Free what is done with. @return true when something still waits (call again soon) */
bool fido_link_collect(struct fido_link *link);
/** @return true when a buffer in [gaddr, gaddr + len) is held by some receiver of the link, or waits to be. */
bool fido_link_holds(struct fido_link *link, uint64_t gaddr, uint64_t len);
/** Set the tags of those extents of a set of own memory that tickets of the link name: somebody may be reading them. */
void fido_link_tag_named(struct fido_link *link, struct fido_extents *set);
/** Add what is held of what came by the rings of a peer that has ended. */
void fido_link_add_held(const struct fido_link *link, const struct fido_peer *peer,
	struct fido_held *held);
/** Reap what came back, for nobody. The queue's lock is held. */
void fido_tx_ring_forget(struct fido_tx_ring *e);
/** @return true when nothing of the link is out or held. */
bool fido_link_quiet(struct fido_link *link);
/** What a peer published as its note, at an offset in its control region. @return NULL: nothing usable */
const struct fido_note_shm *fido_link_peer_note(const struct fido_link *link,
	const struct fido_peer *peer, uint32_t offset);
/** Free our own note. */
void fido_link_free_note(struct fido_link *link);
/** Free the link at once, whatever is out. The domain leaves. */
void fido_link_free(struct fido_link *link);

#endif
