/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_RECEIVER_H
#define FIDO_RECEIVER_H

/**
 * @file
 * The receiver's end of a queue: poll descriptors, complete their tickets. This is the inline fast
 * path below fido_rxq (rxq.h), for drivers; applications use fido_rxq_poll(). queue_shm.h has the
 * layout, the invariants and the orderings.
 *
 *   to poll:        fido_receiver_poll, fido_receiver_stamp
 *   to complete
 *   one at a time:  fido_receiver_complete.. fido_rxq_flush
 *   a burst:        fido_complete_begin -> fido_complete_put.. -> fido_rxq_complete_end
 *
 * "Receiver" below means the thread that uses the receiver, with the receive queue's lock held.
 */

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <fido/atomic.h>
#include <fido/clock.h>
#include <fido/doorbell.h>
#include <fido/gaddr.h>
#include <fido/queue_shm.h>
#include <fido/sleeper.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * A descriptor as the receiver sees it: copied once, checked, private. Behind the pointer are the
 * two words of fido_desc_shm as they are, so that reading a descriptor needs no shifting.
 */
struct fido_desc {
	const void *data; /**< readable for len bytes; NULL: the address failed the check */
	uint64_t gaddr : FIDO_GADDR_BITS; /**< with FIDO_DESC_INLINE: 48 bits of the message */
	uint64_t flags : 16;              /**< FIDO_DESC_* */
	uint16_t lap;                     /**< not for the application */
	uint16_t ticket;                  /**< to complete */
	uint32_t len;                     /**< bytes */
};

FIDO_STATIC_ASSERT(sizeof(struct fido_desc) == 24 && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
	"the words' order");

/**
 * The receiver's end of a queue, private to the receiving domain. Written and read by the receiver.
 * After the sender's death the control thread reads what is held, with the lock held
 * (src/core/held.c).
 *
 * A batch is what the receiver polls between two calls of fido_receiver_stamp(). Each batch has one
 * time of reading.
 */
struct fido_receiver {
	const struct fido_desc_shm *desc; /**< descriptor ring, in the sender's memory */
	uint64_t *comp;                   /**< completion ring */
	const uint32_t *peer_armed;       /**< fido_sender_shm.armed */
	const uint32_t *peer_sleeps;      /**< fido_sender_shm.sleeps */
	const struct fido_map *map;       /**< what this domain has mapped */
	uint64_t *held; /**< by ticket: gaddr [47:0], batch [62:48], FIDO_HELD; 0: not held */
	/**
	 * By batch: time not earlier than its reading (fido_clock_after()); UINT64_MAX: not known.
	 */
	uint64_t *polled_at;
	uint64_t *old_at;    /**< by ticket: likewise, for tickets of batch FIDO_BATCH_OLD */
	uint32_t batch;      /**< the batch being read */
	uint32_t batch_mask; /**< number of batches with a number of their own, minus 1 */
	uint32_t mask;       /**< N - 1 */
	uint32_t shift;      /**< log2 N */
	uint32_t cons;       /**< next position to read */
	uint32_t prod;       /**< next completion to write */
	uint16_t run_ticket; /**< first ticket of the run being gathered */
	uint16_t run_count;  /**< tickets in that run; 0: none */
	uint16_t run_status; /**< its status */
	bool broken;         /**< the peer broke I6: its ring is not read any more */
	uint32_t held_count; /**< tickets held */
	const struct fido_doorbell *peer_bell;  /**< wakes the sender. Writer: control thread */
	uint64_t queue_id;                      /**< incarnation of the ring */
	struct fido_receiver_shm *shm;          /**< this end's shared part */
	const struct fido_sender_shm *peer_shm; /**< the sender's part */
};

/** Marks a held ticket in fido_receiver.held. */
#define FIDO_HELD (UINT64_C(1) << 63)

/**
 * Read descriptors, as many as there are.
 *
 * Receiver; does not block. Each ticket is held, and its memory readable, until
 * fido_receiver_complete(). A descriptor whose address fails the check has data NULL: complete it
 * with FIDO_STATUS_BAD_ADDRESS, unless it is FIDO_DESC_INLINE and the caller accepts those.
 *
 * @param d room for max
 * @return number of descriptors. Fewer than max: there are no more, or the peer broke the ring's
 *         rules (fido_receiver.broken is set then, and the queue cannot be used any more)
 */
static inline unsigned int
fido_receiver_poll(struct fido_receiver *r, struct fido_desc *d, unsigned int max)
{
	const struct fido_map map = *r->map;
	const struct fido_desc_shm *shm = &r->desc[r->cons & r->mask], *end = &r->desc[r->mask];
	uint64_t batch = FIDO_HELD | (uint64_t)r->batch << FIDO_GADDR_BITS;
	uint64_t *held = r->held;
	uint32_t mask = r->mask;
	uint16_t lap = (uint16_t)((r->cons >> r->shift) + 1);
	unsigned int n;

	if (__builtin_expect(r->broken, 0))
		return 0;
	for (n = 0; n < max; n++) {
		/* A2: pairs with R2. The burst is written before its first lap is seen. */
		uint64_t word[2] = {0, fido_load_acquire(&shm->w1)};
		uint32_t ticket = (uint32_t)word[1] >> 16;
		uint64_t gaddr;

		if ((uint16_t)word[1] != lap)
			break;
		if (__builtin_expect(ticket > mask || held[ticket] != 0, 0)) {
			r->broken = true;
			break;
		}
		word[0] = fido_load_relaxed(&shm->w0);
		gaddr = word[0] & FIDO_GADDR_MASK;
		held[ticket] = batch | gaddr;
		memcpy((char *)&d[n] + sizeof(d->data), word, sizeof(word));
		d[n].data = fido_map_ptr(&map, gaddr, (uint32_t)(word[1] >> 32));
		if (__builtin_expect(shm++ == end, 0)) {
			shm = r->desc;
			lap++;
		}
	}
	r->held_count += n;
	r->cons += n;
	return n;
}

/**
 * Read the next descriptor. Receiver; does not block.
 *
 * @return
 *   - 1: d is filled in
 *   - 0: none waits
 *   - -EPROTO: the peer broke the ring's rules; the queue cannot be used any more
 * @see fido_receiver_poll
 */
static inline int
fido_receiver_next(struct fido_receiver *r, struct fido_desc *d)
{
	if (fido_receiver_poll(r, d, 1) == 1)
		return 1;
	return __builtin_expect(r->broken, 0) ? -EPROTO : 0;
}

/**
 * Move the times of all held tickets from their batches to old_at, because batch numbers are about
 * to be reused. Use fido_receiver_stamp().
 */
void fido_receiver_keep_times(struct fido_receiver *r);

/**
 * End a batch: record that all descriptors polled since the last call were read before now.
 * Receiver; does not block. Required after polling, before any of the messages is passed on:
 * without it, tickets held when a peer dies are never recalled.
 */
static inline void
fido_receiver_stamp(struct fido_receiver *r)
{
	fido_store_relaxed(&r->polled_at[r->batch], fido_clock_after());
	if (__builtin_expect(r->batch == r->batch_mask, 0))
		fido_receiver_keep_times(r);
	r->batch = (r->batch + 1) & r->batch_mask;
	fido_store_relaxed(&r->polled_at[r->batch], UINT64_MAX);
}

/**
 * Prefetch, in parallel, the cache lines of the next n descriptors but the first line. When the
 * first descriptor of a burst is visible, the others are too (R2). Prefetching more than were
 * posted takes lines away from the sender. Receiver; does not block.
 */
static inline void
fido_receiver_prefetch(const struct fido_receiver *r, uint32_t n)
{
	for (uint32_t i = 4; i < n; i += 4)
		fido_prefetch_read(&r->desc[(r->cons + i) & r->mask]);
}

/** @return true: a descriptor waits to be polled. Receiver; does not block. */
static inline bool
fido_receiver_pending(const struct fido_receiver *r)
{
	uint64_t w1 = fido_load_relaxed(&r->desc[r->cons & r->mask].w1);

	return !r->broken && (uint16_t)w1 == (uint16_t)((r->cons >> r->shift) + 1);
}

/**
 * The members of fido_receiver that a burst of completions changes, as a local copy that stays in
 * registers (see struct fido_post_cursor), from fido_complete_begin() to fido_complete_end().
 */
struct fido_complete_cursor {
	uint64_t *held;
	uint64_t *comp;
	uint32_t mask;
	uint32_t shift;
	uint32_t prod;
	uint32_t count; /**< tickets completed in this burst */
	uint16_t run_ticket;
	uint16_t run_count;
	uint16_t run_status;
};

/** Begin a burst of completions. Receiver; does not block. @see fido_complete_end */
static inline struct fido_complete_cursor
fido_complete_begin(const struct fido_receiver *r)
{
	return (struct fido_complete_cursor){r->held, r->comp, r->mask, r->shift, r->prod, 0,
		r->run_ticket, r->run_count, r->run_status};
}

/**
 * End a burst of completions. Receiver; does not block. The last run becomes visible only with
 * fido_complete_flush() before, or fido_receiver_flush() after.
 */
static inline void
fido_complete_end(struct fido_receiver *r, const struct fido_complete_cursor *c)
{
	r->prod = c->prod;
	r->held_count -= c->count;
	r->run_ticket = c->run_ticket;
	r->run_count = c->run_count;
	r->run_status = c->run_status;
}

/** As fido_receiver_flush(), within a burst. */
static inline void
fido_complete_flush(struct fido_complete_cursor *c)
{
	uint64_t word;

	if (c->run_count == 0)
		return;
	word = (uint64_t)c->run_status << 48 | (uint64_t)c->run_count << 32 |
		(uint32_t)c->run_ticket << 16 | (uint16_t)((c->prod >> c->shift) + 1);
	/* R3: pairs with A3. All reads of the buffers are done before their tickets go back. */
	fido_store_release(&c->comp[c->prod & c->mask], word);
	c->prod++;
	c->run_count = 0;
}

/** As fido_receiver_complete(), within a burst. */
static inline void
fido_complete_put(struct fido_complete_cursor *c, uint16_t ticket, uint16_t status)
{
	assert(c->held[ticket] != 0);
	c->held[ticket] = 0;
	c->count++;
	if (c->run_count != 0 && status == c->run_status &&
		ticket == ((c->run_ticket + c->run_count) & c->mask)) {
		c->run_count++;
		return;
	}
	fido_complete_flush(c);
	c->run_ticket = ticket;
	c->run_status = status;
	c->run_count = 1;
}

/**
 * Write the run of tickets gathered so far to the completion ring. Receiver; does not block. Does
 * not wake the sender: end a burst of completions with fido_rxq_flush() (rxq.h).
 */
static inline void
fido_receiver_flush(struct fido_receiver *r)
{
	struct fido_complete_cursor c;

	if (r->run_count == 0)
		return;
	c = fido_complete_begin(r);
	fido_complete_flush(&c);
	fido_complete_end(r, &c);
}

/**
 * Give a ticket back. It may stay in the run being gathered until fido_receiver_flush().
 *
 * Receiver; does not block. The memory that the descriptor named must not be read any more.
 *
 * @param ticket fido_desc.ticket of a descriptor that is held
 * @param status FIDO_STATUS_*
 */
static inline void
fido_receiver_complete(struct fido_receiver *r, uint16_t ticket, uint16_t status)
{
	struct fido_complete_cursor c = fido_complete_begin(r);

	fido_complete_put(&c, ticket, status);
	fido_complete_end(r, &c);
}

/**
 * Ask, after a flush, whether the sender must be woken. Receiver; does not block.
 * @return true: ring its doorbell
 */
static inline bool
fido_receiver_must_wake(const struct fido_receiver *r)
{
	return fido_peer_armed(r->peer_sleeps, r->peer_armed);
}

#ifdef __cplusplus
}
#endif

#endif
