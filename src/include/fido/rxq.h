/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_RXQ_H
#define FIDO_RXQ_H

/**
 * @file
 * A receive queue of a link: it polls descriptors that the peer posted, and completes them.
 *
 * The handle lives as long as the link, whatever the peer does. One receive queue reads several
 * rings: queue q of nrx reads the rings of the peer's transmit queues i with i mod nrx = q, and
 * retired rings that still have descriptors to poll or tickets to complete.
 *
 * The first half of this file is for applications. Its functions take the queue's lock themselves:
 *   fido_rxq_poll, fido_rxq_complete; to sleep: fido_rxq_arm, poll(2) on fido_rxq_fd,
 *   fido_rxq_disarm
 *
 * The second half is for drivers that read rings themselves. They hold the lock for a burst, and
 * read each of receivers[]:
 *   fido_lock_try -> fido_receiver_poll, fido_receiver_stamp -> fido_receiver_complete.. ->
 *   fido_rxq_flush -> fido_lock_release
 * Only the control thread also takes the lock, to swap rings, and threads that free received
 * buffers.
 */

#include <stdbool.h>
#include <stdint.h>

#include <fido/counters_shm.h>
#include <fido/doorbell.h>
#include <fido/lock.h>
#include <fido/receiver.h>

#ifdef __cplusplus
extern "C" {
#endif

struct fido_link;
struct fido_rxq;

/** A received descriptor, with the ring that it came from. */
struct fido_rx {
	struct fido_desc desc;          /**< desc.data is readable for desc.len bytes */
	struct fido_receiver *receiver; /**< for fido_rxq_complete() */
};

/**
 * Poll whole messages. Receiver; does not block. The memory of each descriptor belongs to the
 * sender and is readable until fido_rxq_complete().
 *
 * A message of more than max descriptors comes in parts, so let max be the longest chain that is
 * expected. Bad messages are completed and counted (fido_rx_stats_shm.bad), not returned; so are
 * messages without memory (FIDO_DESC_INLINE), which only fido_receiver_poll() returns.
 *
 * @param rx room for max
 * @return number of descriptors
 * @see fido_rxq_complete
 */
unsigned int fido_rxq_poll(struct fido_rxq *q, struct fido_rx *rx, unsigned int max);

/**
 * Give descriptors back to their sender, and wake it if it sleeps. Any thread; does not block.
 * Their memory must not be read any more.
 * @param rx     n descriptors of fido_rxq_poll(), in any order; in the order polled is cheapest
 * @param status FIDO_STATUS_*
 * @see fido_rxq_poll
 */
void fido_rxq_complete(struct fido_rxq *q, const struct fido_rx *rx, unsigned int n,
	uint16_t status);

/** State of a receive queue at one moment. */
struct fido_rxq_fill {
	uint32_t rings;   /**< rings that it reads */
	uint32_t size;    /**< descriptors of all these rings */
	uint32_t waiting; /**< descriptors that wait to be polled */
	uint32_t held;    /**< tickets of these rings that are not completed */
};

/**
 * Read a receive queue's state. Any thread.
 * @param max  stop counting waiting descriptors at this number
 * @param fill filled in
 */
void fido_rxq_look(struct fido_rxq *q, uint32_t max, struct fido_rxq_fill *fill);

/**
 * Ask where the next descriptor will appear, for a thread that waits with the processor's monitor
 * for a write to that address. Receiver. The word stays readable until the next call of this
 * function or until the link is closed; the peer may be kept from reusing its memory for as long.
 *
 * @param word receives the address, in the peer's memory
 * @param lap  a descriptor waits when the low 16 bits of *word equal this
 * @return 0, -EAGAIN (no ring to read now), -ENOTSUP (the queue reads several rings)
 */
int fido_rxq_watch(struct fido_rxq *q, const uint64_t **word, uint16_t *lap);

/**
 * Arm the queue: from now on each burst that a peer posts rings its doorbell. The queue's thread,
 * without the lock. The first call may block for about a millisecond.
 * @return true: a descriptor already waits; do not sleep
 * @see fido_rxq_disarm
 */
bool fido_rxq_arm(struct fido_rxq *q);
/**
 * Undo fido_rxq_arm(). The queue's thread, without the lock; does not block.
 * @param clear clear the doorbell too. false: its descriptor is read elsewhere
 */
void fido_rxq_disarm(struct fido_rxq *q, bool clear);
/**
 * @return the doorbell's file descriptor for poll(2) or epoll(7): readable when the queue is armed
 *         and a descriptor has come. It stays the queue's.
 */
int fido_rxq_fd(const struct fido_rxq *q);

/* ---- for drivers ---- */

/** Most rings of one receive queue: all of the peer's, and as many retired ones. */
#define FIDO_RXQ_RECEIVERS_MAX 64

/**
 * A receive queue. Drivers read it; of its members they write only `next` and `stats`' counters.
 *
 * Written and read with the lock held, unless it says otherwise. "Fixed" is set when the link is
 * configured and never changes while the link is open.
 */
struct fido_rxq {
	struct fido_lock lock;
	uint16_t count; /**< rings in receivers[]. Writer: control thread */
	uint16_t next;  /**< ring with which the next burst starts. Writer: receiver */
	struct fido_rx_stats_shm *stats; /**< fixed. Writers of the counters: lock holders */
	/** Rings to poll. The control thread adds and removes them; the receiver polls them. */
	struct fido_receiver *receivers[FIDO_RXQ_RECEIVERS_MAX];
	/**
	 * Ring whose memory must stay because a thread may read it without the lock. Writer:
	 * fido_rxq_watch(); cleared by the control thread, which also reads it, when the link
	 * closes.
	 */
	const struct fido_receiver *watched;
	struct fido_doorbell *bell;  /**< fixed. Wakes the queue's thread */
	struct fido_sleeper sleeper; /**< whether the queue's thread ever sleeps */
	struct fido_link *link;      /**< fixed */
	uint16_t index;              /**< fixed: of fido_link_rxq() */
	bool armed; /**< set by arm, cleared by disarm. The control thread arms new rings by it */
};

/** Ring the doorbell of ring r's sender. Use fido_rxq_flush(). */
void fido_rxq_ring_sender(struct fido_rxq *q, const struct fido_receiver *r);

/**
 * End a burst of completions on one of the queue's rings: publish the tickets that were given back,
 * and wake the sender if it sleeps. Required for each ring after fido_receiver_complete(), before
 * the lock is released: nothing else wakes a sleeping sender.
 *
 * Any thread, with the queue's lock held; does not block.
 */
static inline void
fido_rxq_flush(struct fido_rxq *q, struct fido_receiver *r)
{
	fido_receiver_flush(r);
	if (__builtin_expect(fido_receiver_must_wake(r), 0))
		fido_rxq_ring_sender(q, r);
}

/**
 * End a burst of completions that began with fido_complete_begin(): fido_complete_end() and
 * fido_rxq_flush() in one. Any thread, with the queue's lock held; does not block.
 */
static inline void
fido_rxq_complete_end(struct fido_rxq *q, struct fido_receiver *r, struct fido_complete_cursor *c)
{
	fido_complete_flush(c);
	fido_complete_end(r, c);
	fido_rxq_flush(q, r);
}

#ifdef __cplusplus
}
#endif

#endif
