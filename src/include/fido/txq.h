/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_TXQ_H
#define FIDO_TXQ_H

/**
 * @file
 * A transmit queue of a link. The handle lives as long as the link, whatever the peer does. Its lock is taken once per
 * burst; the control thread takes it to swap rings.
 *
 *   applications:  fido_txq_post, fido_txq_reap
 *   drivers:       lock -> fido_txq_gaddr, fido_sender_put.. -> fido_txq_publish -> unlock
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

/** What the peer can read; kept by the control thread, read by senders. */
struct fido_peer_view {
	uint32_t epoch; /**< the newest epoch of our memory that the peer has mapped */
	uint64_t slots; /**< bit s: the peer has mapped as much of slot s as we have */
};

/** A transmit queue. */
struct fido_txq {
	struct fido_lock lock;
	bool own_bell; /**< bell is not shared with a receive queue */
	bool open;     /**< posting is allowed: the link is up, and the queue is not paused */
	bool up;       /**< the link is */
	bool paused;   /**< by the application */
	uint16_t index;
	uint32_t slot;              /**< this domain's own */
	struct fido_sender *sender; /**< NULL: not connected; may outlive `open` to be reaped */
	struct fido_tx_ring *old;   /**< rings of before, with tickets still out */
	struct fido_tx_stats_shm *stats;
	const struct fido_doorbell *peer_bell; /**< the receiver's */
	const struct fido_peer_view *peer;
	const struct fido_note_shm
		*note; /**< what the peer's application says of this link; NULL: nothing */
	struct fido_region *const *regions; /**< own regions; NULL entries at the end */
	const struct fido_region *last;     /**< the region that the last packet lay in */
	struct fido_layout layout;
	const uint8_t
		*own_granules; /**< by granule of the own slot: index in regions, plus 1; 0: none */
	struct fido_doorbell *bell; /**< rings when completions come and we are armed */
	struct fido_sleeper sleeper;
	struct fido_link *link;
};

/** A buffer to post. */
struct fido_buf {
	const void *data; /**< memory of this domain, or of another that it was received from */
	uint32_t len;
	uint16_t flags; /**< FIDO_DESC_CHAINED: the next buffer belongs to the same message */
	void *cookie;   /**< comes back by fido_txq_reap(); not NULL */
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

/**
 * Take back cookies of completed descriptors. Takes the lock itself. Each cookie comes back once; its memory is the
 * caller's again.
 * @return number of cookies
 */
unsigned int fido_txq_reap(struct fido_txq *q, void **cookies, unsigned int max);
/** The same, with the status of each. */
unsigned int fido_txq_reap_status(struct fido_txq *q, void **cookies, uint16_t *status,
	unsigned int max);
/** @return tickets of this queue that are out, on rings of now and of before. */
uint32_t fido_txq_out(struct fido_txq *q);

/** What the ring of a transmit queue holds now. */
struct fido_txq_fill {
	uint32_t size;     /**< 0: not connected */
	uint32_t room;     /**< descriptors that can be posted at once */
	uint32_t done;     /**< tickets of this ring that came back and wait to be reaped */
	uint32_t done_old; /**< the same of retired rings, recalled tickets included */
	bool open;         /**< posting is allowed */
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
/** Arm a transmit queue for completions. The lock is not held. @return true: one waits already. */
bool fido_txq_arm(struct fido_txq *q);
/**
 * Undo fido_txq_arm(). The lock is not held.
 * @param clear clear the doorbell too; false: the doorbell's descriptor is read elsewhere, or by the queue that shares it
 */
void fido_txq_disarm(struct fido_txq *q, bool clear);
/** @return the descriptor that turns readable when completions come and the queue is armed (poll, epoll). */
int fido_txq_fd(const struct fido_txq *q);
/** Have completions of q ring rxq's doorbell from now on: one sleep for both. The link is closed. */
void fido_txq_share_bell(struct fido_txq *q, struct fido_rxq *rxq);
/** Reap from rings of before. Use fido_txq_reap_locked(). */
unsigned int fido_txq_reap_old(struct fido_txq *q, void **cookies, unsigned int max);

/** fido_txq_reap() with the queue's lock held. */
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
	FIDO_REACH_OWN,     /**< this domain's memory */
	FIDO_REACH_FOREIGN, /**< another domain's memory, passed on */
};

/** Find the region that holds va. Use fido_txq_gaddr(). */
const struct fido_region *fido_txq_find_region(struct fido_txq *q, uintptr_t va);

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
	uint64_t own;       /**< messages of this domain's memory, or without any */
	uint64_t forwarded; /**< messages with another domain's memory */
	uint64_t copied;    /**< messages copied into the arena first */
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
