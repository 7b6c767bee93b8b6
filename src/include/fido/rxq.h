/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_RXQ_H
#define FIDO_RXQ_H

/**
 * @file
 * A receive queue of a link: it reads one ring for each of the peer's transmit queues that fall to it. The handle lives
 * as long as the link, whatever the peer does. Its lock is taken once per burst; the control thread takes it to swap
 * rings.
 *
 *   applications:  fido_rxq_poll, fido_rxq_complete
 *   drivers:       lock -> receivers[]: fido_receiver_poll.. fido_receiver_complete.. fido_rxq_flush -> unlock
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

/** Rings one receive queue can read: all of the peer's now, and as many of before. */
#define FIDO_RXQ_RECEIVERS_MAX 64

/** A receive queue: it reads one ring for each of the peer's transmit queues that fall to it. */
struct fido_rxq {
	struct fido_lock lock;
	uint16_t count; /**< receivers in use */
	uint16_t next;  /**< where the next burst starts */
	struct fido_rx_stats_shm *stats;
	struct fido_receiver *receivers[FIDO_RXQ_RECEIVERS_MAX];
	const struct fido_receiver
		*watched; /**< its memory stays, as somebody may look at it without the lock */
	struct fido_doorbell *bell; /**< rings when descriptors come and we are armed */
	struct fido_sleeper sleeper;
	struct fido_link *link;
	uint16_t index;
	bool armed;
};

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
void fido_rxq_complete(struct fido_rxq *q, const struct fido_rx *rx, unsigned int n,
	uint16_t status);

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

/**
 * Ask where the next descriptor will show, for a thread that has the processor wait for a write there. Takes the lock
 * itself. The memory can be read until the queue is watched again or the link is closed: the peer may be kept from
 * reusing it for so long.
 *
 * @param word where: a descriptor waits when its low 16 bits are lap
 * @return 0, -EAGAIN (no ring to read now), -ENOTSUP (there are several)
 */
int fido_rxq_watch(struct fido_rxq *q, const uint64_t **word, uint16_t *lap);

/**
 * Arm a receive queue: from now on a peer that posts rings its doorbell. The lock is not held.
 * @return true when a descriptor waits already: do not sleep. @see fido_rxq_disarm
 */
bool fido_rxq_arm(struct fido_rxq *q);

/**
 * Undo fido_rxq_arm(). The lock is not held.
 * @param clear clear the doorbell too; false: the doorbell's descriptor is read elsewhere
 */
void fido_rxq_disarm(struct fido_rxq *q, bool clear);
/** @return the descriptor that turns readable when descriptors come and the queue is armed (poll, epoll). */
int fido_rxq_fd(const struct fido_rxq *q);

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

#ifdef __cplusplus
}
#endif

#endif
