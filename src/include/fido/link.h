/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_LINK_H
#define FIDO_LINK_H

/**
 * @file
 * A link: a connection between two domains, a number of queues in each direction.
 *
 * Either end may come first. Each end publishes what it offers in its control block; the control
 * threads bring the link up when both fit (state table in src/core/link.c, doc/protocol.md). Each time a link
 * comes up it has new rings; the rings of before stay until every ticket is back.
 *
 * The application's handles are fido_txq and fido_rxq: they live as long as the link, whatever the peer
 * does. Their lock is taken once a burst; the control thread takes it to swap rings.
 *
 *   sending:   fido_txq_begin -> sender -> put.. publish -> fido_txq_end
 *   receiving: fido_rxq_begin -> receivers[] -> next.. complete.. flush -> fido_rxq_end
 */

#include <fido/doorbell.h>
#include <fido/domain.h>
#include <fido/lock.h>
#include <fido/queue.h>
#include <fido/region.h>

#ifdef __cplusplus
extern "C" {
#endif

#define FIDO_LINK_QUEUES_MAX 32
#define FIDO_DOMAIN_LINKS_MAX 64
/** Rings one receive queue can read: all of the peer's now, and as many of before. */
#define FIDO_RXQ_RECEIVERS_MAX 64

/** Longest note that the applications at the two ends of a link have for each other. */
#define FIDO_NOTE_MAX 248

struct fido_link;
struct fido_note_shm;
struct fido_tx_end;

enum fido_link_event { FIDO_LINK_UP, FIDO_LINK_DOWN };

/** Called by the control thread, without locks held, when the link comes up or goes down. */
typedef void (*fido_link_event_fn)(void *arg, enum fido_link_event event);

struct fido_link_config {
	const char *peer; /**< name of the domain at the other end */
	const char *name; /**< which link to that peer; NULL: "0" */
	fido_link_event_fn event; /**< may be NULL */
	void *arg;
};

/** What the peer can read; kept by the control thread, read by senders. */
struct fido_peer_view {
	uint32_t epoch; /**< the newest epoch of our memory that the peer has mapped */
	uint64_t slots; /**< bit s: the peer has mapped as much of slot s as we have */
};

/** Whether a queue's thread sleeps at times (src/core/sleeper.h). */
struct fido_sleeper {
	uint32_t sleeps;
	bool just_told; /**< a ring in use was told; guarded by the queue's lock */
};

/** A transmit queue. */
struct fido_txq {
	struct fido_lock lock;
	bool own_bell;                      /**< bell is not shared with a receive queue */
	bool open;                          /**< posting is allowed: the link is up, and the queue is not paused */
	bool up;                            /**< the link is */
	bool paused;                        /**< by the application */
	uint16_t index;
	uint32_t slot;                      /**< this domain's own */
	struct fido_sender *sender;         /**< NULL: not connected; may outlive `open` to be reaped */
	struct fido_tx_end *old;            /**< rings of before, with tickets still out */
	struct fido_tx_stats_shm *stats;
	const struct fido_doorbell *peer_bell; /**< the receiver's */
	const struct fido_peer_view *peer;
	const struct fido_note_shm *note;   /**< what the peer's application says of this link; NULL: nothing */
	struct fido_region *const *regions; /**< own regions; NULL entries at the end */
	const struct fido_region *last;     /**< the region that the last packet lay in */
	struct fido_layout layout;
	const uint8_t *own_granules;        /**< by granule of the own slot: index in regions, plus 1; 0: none */
	struct fido_doorbell *bell;         /**< rings when completions come and we are armed */
	struct fido_sleeper sleeper;
	struct fido_link *link;
};

/** A receive queue: it reads one ring for each of the peer's transmit queues that fall to it. */
struct fido_rxq {
	struct fido_lock lock;
	uint16_t count;                     /**< receivers in use */
	uint16_t next;                      /**< where the next burst starts */
	struct fido_rx_stats_shm *stats;
	struct fido_receiver *receivers[FIDO_RXQ_RECEIVERS_MAX];
	const struct fido_receiver *watched; /**< its memory stays, as somebody may look at it without the lock */
	struct fido_doorbell *bell;         /**< rings when descriptors come and we are armed */
	struct fido_sleeper sleeper;
	struct fido_link *link;
	uint16_t index;
	bool armed;
};

/**
 * Create a link. Nothing is offered to the peer yet. The peer need not exist.
 * @return 0, -EINVAL (bad name, or the domain only watches), -EEXIST (that link exists already), -ENOSPC, -ENOMEM
 * @see fido_link_destroy
 */
int fido_link_create(struct fido_domain *domain, const struct fido_link_config *config,
		struct fido_link **out);

/**
 * Set the number of queues and the transmit rings' size. The link is closed. Queue handles of before stay
 * valid; counters go on.
 * @param ring_size descriptors, power of two, FIDO_RING_MIN to FIDO_RING_MAX
 * @return 0, -EINVAL, -EBUSY (the link is open), -ENOSPC (control_size is too small), -ENOMEM
 */
int fido_link_configure(struct fido_link *link, uint16_t ntx, uint16_t nrx, uint32_t ring_size);

/** Offer the link to the peer. It comes up by itself whenever the peer's end is open. @return 0, -errno */
int fido_link_open(struct fido_link *link);
/**
 * Ask the peer to post no more. What is in the rings can still be polled; we may still post, and what was
 * sent comes back.
 */
void fido_link_quiesce(struct fido_link *link);
/** Undo fido_link_quiesce(). */
void fido_link_resume(struct fido_link *link);
/**
 * Close: no more polling of this link's rings. What was not polled yet is completed as closed; what was
 * sent stays with the peer until it gives it back, and is still reaped by fido_txq_reap(). Does not block.
 */
void fido_link_close(struct fido_link *link);
/** Destroy a closed link. NULL is legal. The memory stays until the last ticket is back. */
void fido_link_destroy(struct fido_link *link);

/** A link that a peer offers, and that has no end here. */
struct fido_offer {
	char peer[FIDO_NAME_MAX];
	char name[FIDO_NAME_MAX];
	uint16_t ntx; /**< queues of the peer's end */
	uint16_t nrx;
	uint64_t generation; /**< the peer's */
};

/**
 * Look which links peers offer to this domain that it has not made: for a server, whose clients choose. Any thread; does not
 * block.
 * @param prefix what their names begin with
 * @return number of offers written, at most max
 */
unsigned int fido_domain_offers(struct fido_domain *domain, const char *prefix, struct fido_offer *offers,
		unsigned int max);

/**
 * Tell the application at the other end something: what it should know to send well. The first note is published by the
 * next fido_link_open(), later ones at once. Any thread; does not block for long.
 * @param len bytes, at most FIDO_NOTE_MAX
 * @return 0, -EINVAL (too long), -ENOSPC (control_size is too small)
 * @see fido_txq_note
 */
int fido_link_set_note(struct fido_link *link, const void *data, uint32_t len);
/**
 * Copy what the peer's application says of the link. Nothing of it has been checked. Sender, with the queue's lock held;
 * does not block.
 * @param data room for FIDO_NOTE_MAX bytes
 * @return bytes; 0: it says nothing, or the link is not up; -EAGAIN: it is being written
 */
int fido_txq_note(const struct fido_txq *q, void *data);
/**
 * Ask which note fido_txq_note() would copy: another number, another note (the same number after the link has been down
 * may be another's). Sender, with the queue's lock held.
 */
uint32_t fido_txq_note_seq(const struct fido_txq *q);

/** @return true: up, this end may post. */
bool fido_link_is_up(const struct fido_link *link);
/**
 * Ask whether the link is closed although the application opened it, and stays so until it is opened again. Any thread.
 * @return 0: no; -EPROTO: the peer broke the rules of its rings; -ENOSPC, -ENOMEM: no room for rings
 */
int fido_link_error(const struct fido_link *link);
/** @return true: both ends have attached to each other's rings; posting may be held back (quiesced). */
bool fido_link_is_bound(const struct fido_link *link);
/** @return true: the peer lives, and its end of the link is open. Any thread but the data path's; does not block. */
bool fido_link_is_offered(const struct fido_link *link);
/** @return the domain that the link belongs to. */
struct fido_domain *fido_link_domain(const struct fido_link *link);
/** @return the queue, or NULL when i is out of range. */
struct fido_txq *fido_link_txq(struct fido_link *link, uint16_t i);
struct fido_rxq *fido_link_rxq(struct fido_link *link, uint16_t i);
/** @return tickets of this queue that are out, on rings of now and of before. */
uint32_t fido_txq_out(struct fido_txq *q);
/** @return tickets of all of the link's queues that are out with peers that are gone; they come back by reaping. */
uint32_t fido_link_stranded(const struct fido_link *link);

/** What the rings of a receive queue hold now. */
struct fido_rxq_fill {
	uint32_t rings;   /**< that it reads */
	uint32_t size;    /**< descriptors of all of them */
	uint32_t waiting; /**< descriptors that wait to be read */
	uint32_t held;    /**< tickets of these rings that are held */
};

/**
 * Look into a receive queue's rings. Takes the lock itself; any thread.
 * @param max stop counting at so many descriptors that wait
 */
void fido_rxq_look(struct fido_rxq *q, uint32_t max, struct fido_rxq_fill *fill);

/** What the ring of a transmit queue holds now. */
struct fido_txq_fill {
	uint32_t size; /**< 0: not connected */
	uint32_t room; /**< descriptors that can be posted at once */
	uint32_t done; /**< tickets of this ring that came back and wait to be reaped */
	uint32_t done_old; /**< the same of retired rings, recalled tickets included */
	bool open;     /**< posting is allowed */
};

/** Look into a transmit queue's ring. Takes the lock itself; any thread. */
void fido_txq_look(struct fido_txq *q, struct fido_txq_fill *fill);

/**
 * Post no more by this queue until fido_txq_resume(); what was posted comes back. Holds across link changes, and when the
 * link is configured anew. Any thread; when it returns, no burst is under way.
 */
void fido_txq_pause(struct fido_txq *q);
/** Undo fido_txq_pause(). */
void fido_txq_resume(struct fido_txq *q);

/**
 * Ask where the next descriptor will show, for a thread that has the processor wait for a write there. Takes the lock
 * itself. The memory can be read until the queue is watched again or the link is closed: the peer may be kept from
 * reusing it for so long.
 *
 * @param word where: a descriptor waits when its low 16 bits are lap
 * @return 0, -EAGAIN (no ring to read now), -ENOTSUP (there are several)
 */
int fido_rxq_watch(struct fido_rxq *q, const uint64_t **word, uint16_t *lap);
/** Have the control thread look at the link: a data path found a broken ring. Any thread; does not block. */
void fido_link_kick(struct fido_link *link);

/** Reap from rings of before. Use fido_txq_reap(). */
unsigned int fido_txq_reap_old(struct fido_txq *q, void **cookies, unsigned int max);

/**
 * Take back cookies of completed descriptors. The queue's lock is held.
 * @return number of cookies
 */
static inline unsigned int
fido_txq_reap(struct fido_txq *q, void **cookies, unsigned int max)
{
	unsigned int n = 0;
	uint64_t errors;

	if (__builtin_expect(q->old != NULL, 0))
		n = fido_txq_reap_old(q, cookies, max);
	if (q->sender != NULL) {
		errors = q->sender->error_count;
		n += fido_sender_reap(q->sender, cookies + n, max - n);
		if (__builtin_expect(q->sender->error_count != errors, 0))
			fido_counter_add(&q->stats->errors, q->sender->error_count - errors);
	}
	if (n != 0)
		fido_counter_add(&q->stats->reaped, n);
	return n;
}

/** Find the region that holds va. Use fido_txq_gaddr(). */
const struct fido_region *fido_txq_find_region(struct fido_txq *q, uintptr_t va);

/** What fido_txq_gaddr() found. */
enum fido_reach {
	FIDO_REACH_NONE,    /**< the peer cannot read it: copy it */
	FIDO_REACH_OWN,     /**< this domain's memory */
	FIDO_REACH_FOREIGN, /**< another domain's memory, passed on */
};

/**
 * Find the region that an address in our own slot lies in: an arena's, whose pointer is its gaddr, or that of memory which
 * came back to us by the address that the group has for it. Sender, with the queue's lock held.
 * @return NULL: none
 */
static inline const struct fido_region *
fido_txq_own_region(const struct fido_txq *q, uint64_t gaddr)
{
	uint64_t off = (gaddr - q->layout.base) & ((UINT64_C(1) << q->layout.slot_shift) - 1);
	/* Not ordered with regions[]: whatever is there is checked, and stays while the queue's lock is held. */
	uint8_t n = fido_load_relaxed(&q->own_granules[off >> FIDO_GRANULE_SHIFT]);
	const struct fido_region *r = n != 0 ? fido_load_acquire(&q->regions[n - 1]) : NULL;

	return r != NULL && gaddr - r->gaddr < r->len ? r : NULL;
}

/** The same for an address in our own slot. Use fido_txq_gaddr(). */
enum fido_reach fido_txq_reach_own_slot(struct fido_txq *q, uint64_t gaddr, uint32_t len);

/** @return true when the peer has mapped all of [off, off + len) of a region. Use fido_txq_gaddr(). */
static inline bool
fido_txq_peer_has(const struct fido_txq *q, const struct fido_region *r, uint64_t off, uint32_t len)
{
	uint32_t epoch = fido_load_acquire(&q->peer->epoch);
	uint64_t g = off >> FIDO_GRANULE_SHIFT;
	uint64_t last = (off + len - (len != 0)) >> FIDO_GRANULE_SHIFT;

	if (__builtin_expect(r->len - off < len, 0))
		return false;
	for (; g <= last; g++)
		/* 0 (not exported) wraps to the largest number. */
		if (__builtin_expect(fido_load_relaxed(&r->granule_epoch[g]) - 1u >= epoch, 0))
			return false;
	return true;
}

/**
 * Translate an address of this domain to one that the peer can read.
 *
 * Sender, with the queue's lock held; does not block.
 *
 * @param va    what the application sends
 * @param len   bytes
 * @param gaddr where the peer finds it
 */
static inline enum fido_reach
fido_txq_gaddr(struct fido_txq *q, const void *va, uint32_t len, uint64_t *gaddr)
{
	uintptr_t a = (uintptr_t)va;
	const struct fido_region *r = q->last;
	uint64_t off, slot;

	if (__builtin_expect(r == NULL || a - r->va >= r->len, 0)) {
		slot = fido_layout_slot(&q->layout, a);
		if (slot < q->layout.slots) {
			*gaddr = a;
			if (slot == q->slot)
				return fido_txq_reach_own_slot(q, a, len);
			return fido_load_acquire(&q->peer->slots) >> slot & 1 ? FIDO_REACH_FOREIGN
									       : FIDO_REACH_NONE;
		}
		r = fido_txq_find_region(q, a);
		if (r == NULL)
			return FIDO_REACH_NONE;
		q->last = r;
	}
	off = a - r->va;
	*gaddr = r->gaddr + off;
	return fido_txq_peer_has(q, r, off, len) ? FIDO_REACH_OWN : FIDO_REACH_NONE;
}

/**
 * Arm a receive queue: from now on a peer that posts rings its doorbell. The lock is not held.
 * @return true when a descriptor waits already: do not sleep. @see fido_rxq_disarm
 */
bool fido_rxq_arm(struct fido_rxq *q);
/** Undo fido_rxq_arm(), and clear the doorbell. */
void fido_rxq_disarm(struct fido_rxq *q);
/** Undo fido_rxq_arm(); the doorbell stays as it is, for one who reads it elsewhere. */
void fido_rxq_unarm(struct fido_rxq *q);
/** Arm a transmit queue for completions. The lock is not held. @return true: one waits already. */
bool fido_txq_arm(struct fido_txq *q);
/** Undo fido_txq_arm(), and clear the doorbell. */
void fido_txq_disarm(struct fido_txq *q);
/** Undo fido_txq_arm(); the doorbell stays as it is. */
void fido_txq_unarm(struct fido_txq *q);
/**
 * Arm a receive queue and transmit queues of the same link that share its doorbell: one sleep for all, and one
 * fence, which with many sleepers costs more than all the rest. The locks are not held.
 * @return true when something waits already on any of them: do not sleep.
 * @see fido_rxq_unarm, fido_txq_unarm
 */
bool fido_link_arm(struct fido_rxq *rxq, struct fido_txq *const *txqs, unsigned int n);
/** Have completions of q ring rxq's doorbell from now on: one sleep for both. The link is closed. */
void fido_txq_share_bell(struct fido_txq *q, struct fido_rxq *rxq);

/** A buffer to post. */
struct fido_buf {
	const void *data; /**< memory of this domain, or of another that it was received from */
	uint32_t len;
	uint16_t flags;   /**< FIDO_DESC_CHAINED: the next buffer belongs to the same message */
	void *cookie;     /**< comes back by fido_txq_take(); not NULL */
};

/**
 * Post whole messages: translate, put, publish, wake. Takes the lock itself.
 *
 * @return
 *   - number of buffers accepted, from the first on, in whole messages; 0 when the link is down or the
 *     ring is full
 *   - -EFAULT: the first buffer not accepted is not memory that the peer can read
 */
int fido_txq_post(struct fido_txq *q, const struct fido_buf *bufs, unsigned int n);
/** Reap, taking the lock itself. @return number of cookies */
unsigned int fido_txq_take(struct fido_txq *q, void **cookies, unsigned int max);
/** The same with each one's status. */
unsigned int fido_txq_take_status(struct fido_txq *q, void **cookies, uint16_t *status, unsigned int max);

/** A received descriptor with the end it came by. */
struct fido_rx {
	struct fido_desc desc;
	struct fido_receiver *receiver;
};

/**
 * Poll, taking the lock itself: whole messages. One that has more descriptors than max comes in parts, so let
 * max be more than a message can have. Bad messages are completed and counted, not returned; so are those without memory
 * (FIDO_DESC_INLINE), which fido_receiver_next() is for. Each descriptor's data can be read.
 * @return number of descriptors
 */
unsigned int fido_rxq_poll(struct fido_rxq *q, struct fido_rx *rx, unsigned int max);
/** Complete, taking the lock itself; flushes and wakes the sender if it sleeps. Any thread. */
void fido_rxq_complete(struct fido_rxq *q, const struct fido_rx *rx, unsigned int n, uint16_t status);

/** Ring the doorbell of a receiver's sender. Use fido_rxq_flush(). */
void fido_rxq_ring_sender(struct fido_rxq *q, const struct fido_receiver *r);

/**
 * End a burst of completions on one of the queue's rings: publish the tickets that were given back, and wake the sender if it
 * sleeps. Required after fido_receiver_complete(), before the lock is released and for each ring: a sender that sleeps
 * is woken by nothing else.
 *
 * The lock is held; does not block.
 */
static inline void
fido_rxq_flush(struct fido_rxq *q, struct fido_receiver *r)
{
	fido_receiver_flush(r);
	if (__builtin_expect(fido_receiver_must_wake(r), 0))
		fido_rxq_ring_sender(q, r);
}

/** End a burst of completions that was begun with fido_complete_begin(): fido_complete_end() and fido_rxq_flush() in one. */
static inline void
fido_rxq_complete_end(struct fido_rxq *q, struct fido_receiver *r, struct fido_complete_cursor *c)
{
	fido_complete_flush(c);
	fido_complete_end(r, c);
	fido_rxq_flush(q, r);
}

/** After a burst was published: wake the receiver if it sleeps. The lock is held. */
static inline void
fido_txq_wake_receiver(struct fido_txq *q)
{
	if (__builtin_expect(fido_sender_must_wake(q->sender), 0)) {
		fido_counter_add(&q->stats->doorbells, 1);
		fido_doorbell_ring(q->peer_bell);
	}
}

/** What a burst of posts was: counted once, when it is published. */
struct fido_tx_burst {
	uint64_t own;         /**< messages of this domain's memory, or without any */
	uint64_t forwarded;   /**< messages with another domain's memory */
	uint64_t copied;      /**< messages copied into the arena first */
	uint64_t descriptors;
	uint64_t bytes;
};

/** Make what was put visible, count it, wake the receiver if it sleeps. The lock is held. */
static inline void
fido_txq_publish(struct fido_txq *q, const struct fido_tx_burst *b)
{
	struct fido_tx_stats_shm *stats = q->stats;

	fido_sender_publish(q->sender);
	fido_counter_add(&stats->packets, b->own + b->forwarded + b->copied);
	fido_counter_add(&stats->bytes, b->bytes);
	fido_counter_add(&stats->posted, b->descriptors);
	if (b->own != 0)
		fido_counter_add(&stats->zero_copy, b->own);
	if (b->forwarded != 0)
		fido_counter_add(&stats->forwarded, b->forwarded);
	if (b->copied != 0)
		fido_counter_add(&stats->copied, b->copied);
	fido_txq_wake_receiver(q);
}

#ifdef __cplusplus
}
#endif

#endif
