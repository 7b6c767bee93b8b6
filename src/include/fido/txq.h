/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_TXQ_H
#define FIDO_TXQ_H

/**
 * @file
 * A transmit queue of a link: it posts descriptors to the peer, and reaps their cookies.
 *
 * The handle lives as long as the link, whatever the peer does. Behind it is the ring of the link's
 * present incarnation, if the link is up, and retired rings whose tickets are still out.
 *
 * The first half of this file is for applications. Its functions take the queue's lock themselves:
 *   fido_txq_post, fido_txq_reap; to sleep: fido_txq_arm, poll(2) on fido_txq_fd, fido_txq_disarm
 *
 * The second half is for drivers that build descriptors themselves. They hold the lock for a burst:
 *   fido_lock_try -> fido_txq_reap_locked -> fido_txq_gaddr, fido_sender_put.. -> fido_txq_publish
 *   -> fido_lock_release
 * Only the control thread also takes the lock, to swap rings.
 */

#include <stdbool.h>
#include <stdint.h>

#include <fido/atomic.h>
#include <fido/counters_shm.h>
#include <fido/doorbell.h>
#include <fido/gaddr.h>
#include <fido/lock.h>
#include <fido/region.h>
#include <fido/sender.h>

#ifdef __cplusplus
extern "C" {
#endif

struct fido_link;
struct fido_note_shm;
struct fido_rxq;
struct fido_tx_ring;
struct fido_txq;

/** A buffer to post. */
struct fido_buf {
	const void *data; /**< memory of this domain, or of another that it was received from */
	uint32_t len;     /**< bytes */
	uint16_t flags;   /**< FIDO_DESC_CHAINED: the next buffer belongs to the same message */
	void *cookie;     /**< comes back from fido_txq_reap(); not NULL */
};

/**
 * Post whole messages: translate the addresses, write and publish the descriptors, wake the
 * receiver if it sleeps. Sender; does not block. A buffer that is accepted belongs to the receiver
 * until its cookie is reaped; one that is not accepted stays the caller's.
 *
 * @param bufs n buffers
 * @return
 *   - number of buffers accepted, from the first on, in whole messages; 0: the link is down, or the
 *     ring is full
 *   - -EFAULT: the peer cannot read the first message's memory: copy it into memory that it can
 *     read
 *   - -EINVAL: the first message's chain does not end within n, or is longer than the ring
 * @see fido_txq_reap
 */
int fido_txq_post(struct fido_txq *q, const struct fido_buf *bufs, unsigned int n);

/**
 * Take back the cookies of completed descriptors, in the order in which they were completed.
 * Sender; does not block. Each cookie comes back exactly once; its memory is then the caller's
 * again.
 * @param cookies room for max
 * @return number of cookies
 * @see fido_txq_post
 */
unsigned int fido_txq_reap(struct fido_txq *q, void **cookies, unsigned int max);
/**
 * As fido_txq_reap(), with the status of each.
 * @param status room for max: FIDO_STATUS_*
 */
unsigned int fido_txq_reap_status(struct fido_txq *q, void **cookies, uint16_t *status,
	unsigned int max);
/**
 * @return tickets of this queue that are out, on the present ring and on retired ones. Any thread.
 */
uint32_t fido_txq_out(struct fido_txq *q);

/** State of a transmit queue at one moment. */
struct fido_txq_fill {
	uint32_t size;     /**< descriptors of the ring; 0: not connected */
	uint32_t room;     /**< descriptors that can be posted now */
	uint32_t done;     /**< tickets of this ring that have come back and wait to be reaped */
	uint32_t done_old; /**< likewise of retired rings, including recalled tickets */
	bool open;         /**< posting is allowed */
};

/** Read a transmit queue's state. Any thread. @param fill filled in */
void fido_txq_look(struct fido_txq *q, struct fido_txq_fill *fill);

/**
 * Stop posting on this queue until fido_txq_resume(), across link changes and
 * fido_link_configure(). What was posted still comes back. Any thread; when this returns, no burst
 * is in progress.
 */
void fido_txq_pause(struct fido_txq *q);
/** Undo fido_txq_pause(). Any thread. */
void fido_txq_resume(struct fido_txq *q);

/**
 * Arm the queue: from now on each completion rings its doorbell. The queue's thread, without the
 * lock. The first call may block for about a millisecond.
 * @return true: a completion already waits; do not sleep
 * @see fido_txq_disarm
 */
bool fido_txq_arm(struct fido_txq *q);
/**
 * Undo fido_txq_arm(). The queue's thread, without the lock; does not block.
 * @param clear clear the doorbell too. false: its descriptor is read elsewhere, or by the receive
 *              queue that shares it
 */
void fido_txq_disarm(struct fido_txq *q, bool clear);
/**
 * @return the doorbell's file descriptor for poll(2) or epoll(7): readable when the queue is armed
 *         and a completion has come. It stays the queue's.
 */
int fido_txq_fd(const struct fido_txq *q);
/**
 * Have completions of q ring rxq's doorbell from now on, so that one thread sleeps for both.
 * Control path; the link is closed. Both queues belong to the same link.
 */
void fido_txq_share_bell(struct fido_txq *q, struct fido_rxq *rxq);

/* ---- for drivers ---- */

/** What the peer can read. Writer: the control thread; readers: senders, without a lock. */
struct fido_peer_view {
	uint32_t epoch; /**< newest epoch of this domain's memory that the peer has mapped */
	uint64_t slots; /**< bit s: the peer has mapped as much of slot s as this domain */
};

/**
 * A transmit queue. Drivers read it; of its members they write only `stats`' counters.
 *
 * Written with the lock held, unless it says otherwise, and read with the lock held. "Fixed" is set
 * when the link is configured and never changes while the link is open.
 */
struct fido_txq {
	struct fido_lock lock;
	bool own_bell;  /**< fixed: `bell` is not shared with a receive queue */
	bool open;      /**< posting is allowed. Writers: control thread, pause, resume */
	bool up;        /**< the link is up. Writer: control thread; reader: fido_txq_resume() */
	bool paused;    /**< by fido_txq_pause(). Reader: control thread */
	uint16_t index; /**< fixed: of fido_link_txq() */
	uint32_t slot;  /**< fixed: this domain's own */
	/**
	 * The present ring. The control thread sets it when the link comes up, and sets it to NULL
	 * when the link goes down. The sender uses it; while `open` is false, only to reap.
	 */
	struct fido_sender *sender;
	/**
	 * Retired rings with tickets out. The control thread adds them and marks recalled tickets
	 * in them; the sender reaps them. Either unlinks a ring that has no ticket out any more.
	 */
	struct fido_tx_ring *old;
	struct fido_tx_stats_shm *stats;       /**< fixed. Writer of the counters: the sender */
	const struct fido_doorbell *peer_bell; /**< rung by the sender. Writer: control thread */
	const struct fido_peer_view *peer;     /**< fixed: the link's */
	const struct fido_note_shm *note;      /**< the peer's, or NULL. Writer: control thread */
	/**
	 * Fixed: the domain's table of FIDO_REGIONS_MAX regions, NULL where there is none. The
	 * control path writes the table, without this lock; the sender reads it.
	 */
	struct fido_region *const *regions;
	/** Region of the last packet, a cache. Writer: sender; cleared when the region is freed. */
	const struct fido_region *last;
	struct fido_layout layout; /**< fixed: the group's */
	/**
	 * Fixed: by granule of the own slot, index in `regions` + 1, or 0. The control path writes
	 * the table, without this lock; the sender reads it.
	 */
	const uint8_t *own_granules;
	struct fido_doorbell *bell;  /**< fixed. Wakes the queue's thread */
	struct fido_sleeper sleeper; /**< whether the queue's thread ever sleeps */
	struct fido_link *link;      /**< fixed */
};

/** Reap from retired rings. Use fido_txq_reap_locked(). */
unsigned int fido_txq_reap_old(struct fido_txq *q, void **cookies, unsigned int max);

/** As fido_txq_reap(). Sender, with the queue's lock held; does not block. */
static inline unsigned int
fido_txq_reap_locked(struct fido_txq *q, void **cookies, unsigned int max)
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

/** What fido_txq_gaddr() found. */
enum fido_reach {
	FIDO_REACH_NONE,    /**< the peer cannot read it: copy it */
	FIDO_REACH_OWN,     /**< this domain's memory, which the peer can read */
	FIDO_REACH_FOREIGN, /**< another domain's memory, which the peer can read: forward it */
};

/** Find the region that holds the pointer va. Use fido_txq_gaddr(). @return NULL: none */
const struct fido_region *fido_txq_find_region(struct fido_txq *q, uintptr_t va);

/**
 * Find the region of an address in this domain's slot: an arena, whose pointers are its gaddrs, or
 * imported memory that was sent, came back, and is named by its gaddr. Sender, with the queue's
 * lock held; does not block.
 * @return NULL: none
 */
static inline const struct fido_region *
fido_txq_own_region(const struct fido_txq *q, uint64_t gaddr)
{
	uint64_t off = (gaddr - q->layout.base) & ((UINT64_C(1) << q->layout.slot_shift) - 1);
	/* Need not be ordered with regions[]: the check below rejects a stale index, and a region
	 * is not freed while the queue's lock is held. */
	uint8_t n = fido_load_relaxed(&q->own_granules[off >> FIDO_GRANULE_SHIFT]);
	const struct fido_region *r = n != 0 ? fido_load_acquire(&q->regions[n - 1]) : NULL;

	return r != NULL && gaddr - r->gaddr < r->len ? r : NULL;
}

/** As fido_txq_gaddr(), for an address in this domain's own slot. Use fido_txq_gaddr(). */
enum fido_reach fido_txq_reach_own_slot(struct fido_txq *q, uint64_t gaddr, uint32_t len);

/** @return true: the peer has mapped [off, off + len) of region r. Use fido_txq_gaddr(). */
static inline bool
fido_txq_peer_has(const struct fido_txq *q, const struct fido_region *r, uint64_t off, uint32_t len)
{
	uint32_t epoch = fido_load_acquire(&q->peer->epoch);
	uint64_t g = off >> FIDO_GRANULE_SHIFT;
	uint64_t last = (off + len - (len != 0)) >> FIDO_GRANULE_SHIFT;

	if (__builtin_expect(r->len - off < len, 0))
		return false;
	for (; g <= last; g++)
		/* Epoch 0 (not exported) wraps to the largest number. */
		if (__builtin_expect(fido_load_relaxed(&r->granule_epoch[g]) - 1u >= epoch, 0))
			return false;
	return true;
}

/**
 * Translate a pointer of this domain into an address that the peer can read.
 *
 * Sender, with the queue's lock held; does not block.
 *
 * @param va    memory to send: this domain's, or another's that it was received from
 * @param len   bytes
 * @param gaddr receives the address for the descriptor, unless FIDO_REACH_NONE is returned
 * @return whose memory it is; FIDO_REACH_NONE: the peer cannot read all of it now
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
 * Wake the receiver if it sleeps. Required after fido_sender_publish(). Sender, with the queue's
 * lock held; does not block.
 */
static inline void
fido_txq_wake_receiver(struct fido_txq *q)
{
	if (__builtin_expect(fido_sender_must_wake(q->sender), 0)) {
		fido_counter_add(&q->stats->doorbells, 1);
		fido_doorbell_ring(q->peer_bell);
	}
}

/** Counters of one burst of posts, added to the queue's when the burst is published. */
struct fido_tx_burst {
	uint64_t own;         /**< messages of this domain's memory, or without memory */
	uint64_t forwarded;   /**< messages with another domain's memory */
	uint64_t copied;      /**< messages copied into an arena first */
	uint64_t descriptors; /**< of all messages */
	uint64_t bytes;       /**< of all messages */
};

/**
 * Publish the descriptors that were put, count them, and wake the receiver if it sleeps. Sender,
 * with the queue's lock held; does not block.
 * @param b what was put since the last publish
 */
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
