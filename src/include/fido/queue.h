/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_QUEUE_H
#define FIDO_QUEUE_H

/**
 * @file
 * A queue: one direction of a link. Single producer, single consumer at each end.
 *
 *      sender's memory                              receiver's memory
 *   +-- fido_sender_shm ---+                     +-- fido_receiver_shm --+
 *   | desc[0..N-1]         | ---- poll --------> | private: held[ticket] |
 *   | private: cookie[],   |                     |                       |
 *   |  free tickets        | <--- reap --------- | comp[0..N-1]          |
 *   +----------------------+                     +-----------------------+
 *        post, reap                                   poll, complete
 *
 * Shared: fido_sender_shm (written by the sender only) and fido_receiver_shm (written by the receiver
 * only). Private: everything else. There is no shared producer or consumer index: a descriptor and a
 * completion each carry the lap of the ring they belong to, and that lap is what makes them valid.
 *
 * Every descriptor carries a ticket, 0..N-1, unique among those that are out. A completion returns a
 * run of consecutive tickets with one status, so a receiver that returns a burst in order writes one
 * word; a receiver that returns them one by one in any order writes one word for each.
 *
 * Invariants (N = ring size, a power of two):
 * I1. At most N tickets are out: a ticket is taken from the free list at post, and put back at reap.
 * I2. The receiver reads descriptors in position order and completes a ticket only after it has read
 *     the descriptor that carried it.
 * I3. A sender that writes position p (slot p mod N) has seen completions of at least p - N + 1 of the
 *     positions 0..p-1 (I1). By the pigeonhole one of them is >= p - N, so by I2 the receiver has read
 *     past p - N: the slot is free. No consumer index is needed.
 * I4. A completion word covers at least one ticket that is out, and covers no ticket twice, so at most
 *     N words are unread (I1): the completion ring cannot overflow either.
 * I5. Ring memory is zero when the queue is made and laps start at 1: a stale word is never valid.
 * I6. The receiver never uses a ticket that it holds already; the sender never takes back one that is
 *     not out. Either breach is the peer's, and breaks the queue (-EPROTO), never the process.
 *
 * Orderings:
 * | label | where                       | partner | what it proves                                     |
 * |-------|-----------------------------|---------|----------------------------------------------------|
 * | R2    | publish: desc[first].w1     | A2      | the burst, and the memory it names, are written    |
 * | A2    | poll: desc[pos].w1          | R2      | before the receiver reads them                     |
 * | R3    | flush: comp[pos]            | A3      | the receiver has finished reading the buffers      |
 * | A3    | reap: comp[pos]             | R3      | before the sender lets them be written again       |
 * | F4    | sender, after a burst       | F5      | either the sender sees `armed`, or the receiver's  |
 * | F5    | receiver, after arming      | F4      | last look sees the burst: no lost wake-up          |
 * No barrier is needed between the descriptors of one burst: the first is published last (R2), and the
 * receiver reads in order, so it comes to the others only through it.
 *
 * Threads: a fido_sender is used by one thread at a time, a fido_receiver likewise; the lock of
 * fido_txq/fido_rxq (link.h) sees to that.
 */

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <fido/atomic.h>
#include <fido/clock.h>
#include <fido/doorbell.h>
#include <fido/gaddr.h>

#ifdef __cplusplus
extern "C" {
#endif

#define FIDO_RING_MIN 16
#define FIDO_RING_MAX 32768

/** More descriptors of the same message follow. */
#define FIDO_DESC_CHAINED UINT16_C(0x0001)
/** The address field is no address but 48 bits of the message: fido_desc.data says nothing, fido_desc.gaddr has them. */
#define FIDO_DESC_INLINE UINT16_C(0x0002)
/** Bit 2 is the core's too; those from here on are the message's own. */
#define FIDO_DESC_USER_SHIFT 3

/** Completion status. */
#define FIDO_STATUS_OK 0
#define FIDO_STATUS_BAD_ADDRESS 1 /**< the memory named was not mapped in the receiver */
#define FIDO_STATUS_DROPPED 2     /**< the receiver had no room for the message */
#define FIDO_STATUS_CLOSED 3      /**< the receiver left before it read the descriptor */
#define FIDO_STATUS_RECALLED 4    /**< the receiver has died; it may have read it, and nobody does now. Never in a ring */
#define FIDO_STATUS_USER 0x100    /**< from here on they are the application's */

/** One descriptor in the sender's memory. Writer: sender. */
struct fido_desc_shm {
	uint64_t w0; /**< gaddr [47:0], flags [63:48] */
	uint64_t w1; /**< lap [15:0], ticket [31:16], length [63:32] */
};

/** The sender's part of a queue. Writer: sender. */
struct fido_sender_shm {
	uint64_t queue_id; /**< which incarnation this memory belongs to */
	uint32_t size;     /**< N */
	uint32_t closed;   /**< 1: the sender will not read the completion ring again */
	uint32_t attached; /**< 1: the sender knows the completion ring, and may post */
	uint8_t pad0[44];
	uint32_t armed;  /**< 1: the sender sleeps until a completion comes */
	uint32_t sleeps; /**< 1: the sender may arm; 0: the receiver need not look at `armed` */
	uint8_t pad1[56];
	struct fido_desc_shm desc[];
};

/** The receiver's part of a queue. Writer: receiver. */
struct fido_receiver_shm {
	uint64_t queue_id; /**< as fido_sender_shm.queue_id of the queue it serves */
	uint32_t size;     /**< N */
	uint32_t closed;   /**< 1: the receiver will not read the descriptor ring again */
	uint8_t pad0[48];
	uint32_t armed;  /**< 1: the receiver sleeps until a descriptor comes */
	uint32_t sleeps; /**< 1: the receiver may arm; 0: the sender need not look at `armed` */
	uint8_t pad1[56];
	uint64_t comp[]; /**< lap [15:0], ticket [31:16], count [47:32], status [63:48] */
};

#ifdef __cplusplus
#define FIDO_STATIC_ASSERT static_assert
#else
#define FIDO_STATIC_ASSERT _Static_assert
#endif
FIDO_STATIC_ASSERT(sizeof(struct fido_desc_shm) == 16, "four descriptors a cache line");
FIDO_STATIC_ASSERT(sizeof(struct fido_sender_shm) == 128, "layout");
FIDO_STATIC_ASSERT(offsetof(struct fido_sender_shm, armed) == 64, "layout");
FIDO_STATIC_ASSERT(sizeof(struct fido_receiver_shm) == 128, "layout");
FIDO_STATIC_ASSERT(offsetof(struct fido_receiver_shm, armed) == 64, "layout");

/** Counters of a sender; in the domain's control region. Writer: the sending thread. */
struct fido_tx_stats_shm {
	uint64_t packets;     /**< messages posted */
	uint64_t bytes;       /**< bytes posted */
	uint64_t zero_copy;   /**< messages of own memory, by pointer */
	uint64_t forwarded;   /**< messages with another domain's memory, by pointer */
	uint64_t copied;      /**< messages copied into the arena first */
	uint64_t posted;      /**< descriptors posted = tickets taken */
	uint64_t reaped;      /**< tickets that came back */
	uint64_t errors;      /**< tickets that came back with an error */
	uint64_t ring_full;   /**< bursts that were cut short: no ticket left */
	uint64_t doorbells;   /**< times the peer was woken */
	uint64_t dropped;     /**< messages that can never be sent (too long, too many segments) */
	uint64_t reserved[5];
};

/** Counters of a receive queue; in the domain's control region. Writer: the receiving thread. */
struct fido_rx_stats_shm {
	uint64_t packets;   /**< messages delivered */
	uint64_t bytes;     /**< bytes delivered */
	uint64_t zero_copy; /**< messages delivered without copying a byte */
	uint64_t header;    /**< messages of which only the first bytes were copied */
	uint64_t copied;    /**< messages copied whole */
	uint64_t polled;    /**< descriptors read = tickets held since the start */
	uint64_t completed; /**< tickets given back */
	uint64_t bad;       /**< descriptors that failed the check */
	uint64_t too_long;  /**< messages dropped: longer than the application takes */
	uint64_t no_buffer; /**< polls that found no buffer to receive into */
	uint64_t doorbells; /**< times the peer was woken for completions */
	uint64_t wakeups;   /**< times this queue was armed for sleep */
	uint64_t reserved[4];
};
FIDO_STATIC_ASSERT(sizeof(struct fido_tx_stats_shm) == 128, "layout");
FIDO_STATIC_ASSERT(sizeof(struct fido_rx_stats_shm) == 128, "layout");

/**
 * A descriptor as the receiver sees it: copied once, checked, private. After the pointer come the two words of
 * fido_desc_shm as they are, so that nothing is taken apart that is not asked for.
 */
struct fido_desc {
	const void *data; /**< readable for len bytes; NULL: the address failed the check */
	uint64_t gaddr : FIDO_GADDR_BITS;
	uint64_t flags : 16;
	uint16_t lap; /**< of no use to who reads it */
	uint16_t ticket;
	uint32_t len;
};
FIDO_STATIC_ASSERT(sizeof(struct fido_desc) == 24 && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the words' order");

/** What a ticket stands for; of use only after the receiver's death. */
struct fido_posted {
	uint64_t at;   /**< not later than it was published (fido_clock_before); UINT64_MAX: read by nobody any more */
	uint64_t what; /**< gaddr [47:0], length in units of FIDO_POSTED_UNIT, rounded up, [63:48], at most 65535 */
};
#define FIDO_POSTED_UNIT 64u

/** The sender's end of a queue. Private to the sender. */
struct fido_sender {
	struct fido_desc_shm *desc;
	const uint64_t *comp;       /**< in the receiver's memory */
	const uint32_t *peer_armed; /**< in the receiver's memory */
	const uint32_t *peer_sleeps;
	uint16_t *free_ticket;      /**< FIFO of N: keeps tickets consecutive, so that runs stay long */
	void **cookie;              /**< by ticket; NULL: not out */
	struct fido_posted *posted; /**< by ticket */
	uint32_t mask;              /**< N - 1 */
	uint32_t shift;             /**< log2 N */
	uint32_t prod;              /**< next position to write; each takes a ticket, so free tickets = free_put - prod */
	uint32_t first;             /**< first position not published yet */
	uint64_t first_w1;          /**< its second word, kept back until publish */
	uint32_t free_put;          /**< free-running: place of free_ticket that is filled next */
	uint32_t cons;              /**< next completion to read */
	uint16_t run_ticket;        /**< rest of a run that reap's caller had no room for */
	uint16_t run_left;
	uint16_t run_status;
	bool broken;                /**< the peer broke I6: no more use of its ring */
	uint64_t error_count;       /**< tickets that came back with a status other than OK */
	uint64_t queue_id;
	struct fido_sender_shm *shm;
	const struct fido_receiver_shm *peer_shm;
};

/** The receiver's end of a queue. Private to the receiver. */
struct fido_receiver {
	const struct fido_desc_shm *desc; /**< in the sender's memory */
	uint64_t *comp;
	const uint32_t *peer_armed; /**< in the sender's memory */
	const uint32_t *peer_sleeps;
	const struct fido_map *map;
	uint64_t *held; /**< by ticket: gaddr [47:0], batch [62:48], FIDO_HELD; or 0 */
	uint64_t *polled_at; /**< by batch: not earlier than it was read (fido_clock_after); UINT64_MAX: not known */
	uint64_t *old_at;    /**< by ticket: the same for those of FIDO_BATCH_OLD */
	uint32_t batch;      /**< the batch that is being read */
	uint32_t batch_mask; /**< batches that have a number of their own - 1 */
	uint32_t mask;
	uint32_t shift;
	uint32_t cons;       /**< next position to read */
	uint32_t prod;       /**< next completion to write */
	uint16_t run_ticket; /**< run that is being gathered */
	uint16_t run_count;
	uint16_t run_status;
	bool broken;         /**< the peer broke I6 */
	uint32_t held_count; /**< tickets held */
	const struct fido_doorbell *peer_bell; /**< wakes the sender */
	uint64_t queue_id;
	struct fido_receiver_shm *shm;
	const struct fido_sender_shm *peer_shm;
};

/** Marks a held ticket in fido_receiver.held. */
#define FIDO_HELD (UINT64_C(1) << 63)
/** Most batches that have a number of their own. When the numbers are used up, what is still held becomes old. */
#define FIDO_BATCHES_MAX 16384u
#define FIDO_BATCH_OLD 0x7fffu
#define FIDO_GADDR_MASK ((UINT64_C(1) << FIDO_GADDR_BITS) - 1)

/** @return bytes of shared memory that a sender's part of size n takes. */
static inline size_t
fido_sender_shm_size(uint32_t n)
{
	return sizeof(struct fido_sender_shm) + (size_t)n * sizeof(struct fido_desc_shm);
}

/** @return bytes of shared memory that a receiver's part of size n takes. */
static inline size_t
fido_receiver_shm_size(uint32_t n)
{
	return sizeof(struct fido_receiver_shm) + (size_t)n * sizeof(uint64_t);
}

/** @return true when n can be a ring size: a power of two, FIDO_RING_MIN to FIDO_RING_MAX. */
static inline bool
fido_ring_size_valid(uint32_t n)
{
	return n >= FIDO_RING_MIN && n <= FIDO_RING_MAX && (n & (n - 1)) == 0;
}

/** @return descriptors that can be posted now. Sender. */
static inline uint32_t
fido_sender_room(const struct fido_sender *s)
{
	return s->free_put - s->prod;
}

/** @return tickets that are out. Sender. */
static inline uint32_t
fido_sender_out(const struct fido_sender *s)
{
	return s->mask + 1 - (s->free_put - s->prod);
}

/**
 * What a burst of posts changes of a sender, in the sender's registers: between fido_sender_begin() and
 * fido_sender_end() nothing else uses the sender. (Atomic stores to the ring make the compiler read
 * everything anew that it reaches through a pointer.)
 */
struct fido_cursor {
	struct fido_desc_shm *desc;
	const uint16_t *free_ticket;
	void **cookie;
	struct fido_posted *posted;
	uint64_t now;
	uint64_t first_w1;
	uint64_t lap;
	uint32_t mask;
	uint32_t prod;
	uint32_t at;       /**< place of prod in the ring */
	uint32_t first_at; /**< place of what is published first */
};

/** Begin a burst of posts. Sender. @see fido_sender_end */
static inline struct fido_cursor
fido_sender_begin(const struct fido_sender *s)
{
	return (struct fido_cursor){s->desc, s->free_ticket, s->cookie, s->posted, fido_clock_before(), s->first_w1,
		(uint16_t)((s->prod >> s->shift) + 1), s->mask, s->prod, s->prod & s->mask, s->first & s->mask};
}

/** End a burst of posts. The descriptors are not visible yet: fido_sender_publish(). */
static inline void
fido_sender_end(struct fido_sender *s, const struct fido_cursor *c)
{
	s->first_w1 = c->first_w1;
	s->prod = c->prod;
}

/** @return descriptors that can still be put. @see fido_sender_room */
static inline uint32_t
fido_cursor_room(const struct fido_cursor *c, const struct fido_sender *s)
{
	return s->free_put - c->prod;
}

/** @return the ticket that the next descriptor will have; there is room for one. */
static inline uint16_t
fido_cursor_next_ticket(const struct fido_cursor *c)
{
	return c->free_ticket[c->at];
}

static inline uint64_t
fido_posted_units(uint32_t len)
{
	uint64_t units = ((uint64_t)len + FIDO_POSTED_UNIT - 1) / FIDO_POSTED_UNIT;

	return __builtin_expect(units < UINT16_MAX, 1) ? units : UINT16_MAX;
}

/** As fido_sender_put(), within a burst. */
static inline void
fido_cursor_put(struct fido_cursor *c, uint64_t gaddr, uint32_t len, uint16_t flags, void *cookie)
{
	struct fido_desc_shm *d = &c->desc[c->at];
	uint16_t ticket = c->free_ticket[c->at];
	uint64_t w1 = (uint64_t)len << 32 | (uint32_t)ticket << 16 | c->lap;

	c->cookie[ticket] = cookie;
	c->posted[ticket] = (struct fido_posted){c->now, gaddr | fido_posted_units(len) << FIDO_GADDR_BITS};
	fido_store_relaxed(&d->w0, gaddr | (uint64_t)flags << FIDO_GADDR_BITS);
	if (c->at == c->first_at)
		c->first_w1 = w1;
	else
		fido_store_relaxed(&d->w1, w1);
	c->prod++;
	if (__builtin_expect(c->at++ == c->mask, 0)) {
		c->at = 0;
		c->lap = (uint16_t)(c->lap + 1);
	}
}

/**
 * Write one descriptor, not yet visible to the receiver.
 *
 * Sender; does not block. The caller has checked fido_sender_room(). All descriptors of a message are
 * put before the next publish. The memory named belongs to the receiver until cookie is reaped.
 *
 * @param gaddr  address of the first byte; checked by the receiver
 * @param len    bytes
 * @param flags  FIDO_DESC_*
 * @param cookie what fido_sender_reap() gives back; not NULL
 */
static inline void
fido_sender_put(struct fido_sender *s, uint64_t gaddr, uint32_t len, uint16_t flags, void *cookie)
{
	struct fido_cursor c = fido_sender_begin(s);

	fido_cursor_put(&c, gaddr, len, flags, cookie);
	fido_sender_end(s, &c);
}

/**
 * Fetch the lines of the next n descriptors for writing, side by side: the receiver has read them a lap ago. Just
 * before they are written, as the receiver's own fetching ahead takes them away again.
 */
static inline void
fido_sender_prefetch(const struct fido_sender *s, uint32_t n)
{
	for (uint32_t i = 0; i < n; i += 4)
		fido_prefetch_write(&s->desc[(s->prod + i) & s->mask]);
}

/** Make all descriptors put so far visible, as one. Sender; does not block. */
static inline void
fido_sender_publish(struct fido_sender *s)
{
	if (s->prod == s->first)
		return;
	/* R2: pairs with A2. The burst and the memory it names are written before its first descriptor. */
	fido_store_release(&s->desc[s->first & s->mask].w1, s->first_w1);
	s->first = s->prod;
}

/**
 * The second half of the sleep handshake, after a burst. A peer that only polls costs no fence; one that begins to sleep
 * says so first, and lets every burst end that did not know (fido_sleeper_begin).
 * @return true: the peer sleeps, or is about to: ring
 */
static inline bool
fido_peer_armed(const uint32_t *sleeps, const uint32_t *armed)
{
	/* The compiler, too, leaves the burst before this: the sleeper waits for stores that left late, not for later ones. */
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	if (__builtin_expect(fido_load_relaxed(sleeps) == 0, 1))
		return false;
	/* F4: pairs with F5. The burst is visible before `armed` is read. */
	fido_fence_seq_cst();
	return fido_load_relaxed(armed) != 0;
}

/**
 * Ask whether the receiver must be woken for what was published. Sender; does not block.
 * @return true: ring its doorbell.
 */
static inline bool
fido_sender_must_wake(const struct fido_sender *s)
{
	return fido_peer_armed(s->peer_sleeps, s->peer_armed);
}

/** @return true when a completion waits to be reaped. Sender; does not block. */
static inline bool
fido_sender_pending(const struct fido_sender *s)
{
	uint64_t c;

	if (s->run_left != 0)
		return true;
	if (s->broken)
		return false;
	c = fido_load_relaxed(&s->comp[s->cons & s->mask]);
	return (uint16_t)c == (uint16_t)((s->cons >> s->shift) + 1);
}

/** Read the next completion word into run_*. @return true when there was one. */
static inline bool
fido_sender_next_run(struct fido_sender *s)
{
	uint64_t c;
	uint16_t ticket, count;

	if (__builtin_expect(s->broken, 0))
		return false;
	/* A3: pairs with R3. The receiver has done with the buffers before we see their ticket. */
	c = fido_load_acquire(&s->comp[s->cons & s->mask]);
	if ((uint16_t)c != (uint16_t)((s->cons >> s->shift) + 1))
		return false;
	ticket = (uint16_t)(c >> 16);
	count = (uint16_t)(c >> 32);
	if (__builtin_expect(ticket > s->mask || count == 0 || count > s->mask + 1, 0)) {
		s->broken = true;
		return false;
	}
	s->cons++;
	s->run_ticket = ticket;
	s->run_left = count;
	s->run_status = (uint16_t)(c >> 48);
	return true;
}

/**
 * Take back n cookies that lie side by side, with n free places from put on.
 * @return number; fewer: the next one is not out (I6)
 */
static inline uint32_t
fido_sender_take_part(struct fido_sender *s, void **cookies, uint32_t ticket, uint32_t put, uint32_t n)
{
	uint16_t *free_ticket = s->free_ticket + put;
	void **cookie = s->cookie + ticket;
	uint64_t missing = 0;

	/* All of them first: a loop that ends early is not made into vectors. */
	for (uint32_t i = 0; i < n; i++)
		missing |= (uint64_t)(cookie[i] == NULL);
	if (__builtin_expect(missing != 0, 0))
		for (n = 0; cookie[n] != NULL;)
			n++;
	for (uint32_t i = 0; i < n; i++) {
		cookies[i] = cookie[i];
		cookie[i] = NULL;
		free_ticket[i] = (uint16_t)(ticket + i);
	}
	return n;
}

/** Take back the first cookie of the run that was read last. @return 1; 0: broken */
static inline unsigned int
fido_sender_take_one(struct fido_sender *s, void **cookies)
{
	uint32_t ticket = s->run_ticket & s->mask;

	cookies[0] = s->cookie[ticket];
	if (__builtin_expect(cookies[0] == NULL, 0)) {
		s->broken = true;
		s->run_left = 0;
		return 0;
	}
	s->cookie[ticket] = NULL;
	s->free_ticket[s->free_put++ & s->mask] = (uint16_t)ticket;
	s->error_count += s->run_status != FIDO_STATUS_OK;
	s->run_ticket++;
	s->run_left--;
	return 1;
}

/**
 * Take back up to max cookies of the run that was read last, in parts that end where an array does.
 * @return number; fewer: its end, or broken
 */
static inline unsigned int
fido_sender_take_run(struct fido_sender *s, void **cookies, unsigned int max)
{
	uint32_t n = s->run_left < max ? s->run_left : max, size = s->mask + 1, done = 0;

	while (done < n && !s->broken) {
		uint32_t ticket = (s->run_ticket + done) & s->mask, put = (s->free_put + done) & s->mask;
		uint32_t room = size - (ticket > put ? ticket : put), part = n - done < room ? n - done : room;
		uint32_t got = fido_sender_take_part(s, cookies + done, ticket, put, part);

		/* Nothing of this word or of later ones can be believed. */
		s->broken = got < part;
		done += got;
	}
	if (__builtin_expect(s->run_status != FIDO_STATUS_OK, 0))
		s->error_count += done;
	s->free_put += done;
	s->run_ticket = (uint16_t)(s->run_ticket + done);
	s->run_left = s->broken ? 0 : (uint16_t)(s->run_left - done);
	return done;
}

/**
 * Take back the cookies of completed descriptors, in the order in which they were completed.
 *
 * Sender; does not block. Each cookie is returned exactly once; its memory is the sender's again.
 *
 * @param cookies room for max pointers
 * @return number of cookies returned. Fewer than max: nothing more is complete now, or the peer broke
 *         the ring's rules (fido_sender.broken is set then).
 */
static inline unsigned int
fido_sender_reap(struct fido_sender *s, void **cookies, unsigned int max)
{
	unsigned int n = 0;

	while (n < max && (s->run_left != 0 || fido_sender_next_run(s)))
		/* Packets that come and go one by one are not worth vectors. */
		n += s->run_left == 1 ? fido_sender_take_one(s, cookies + n) :
					fido_sender_take_run(s, cookies + n, max - n);
	return n;
}

/** As fido_sender_reap(), with each one's status. */
static inline unsigned int
fido_sender_reap_status(struct fido_sender *s, void **cookies, uint16_t *status, unsigned int max)
{
	unsigned int n = 0;

	while (n < max && (s->run_left != 0 || fido_sender_next_run(s))) {
		uint16_t run_status = s->run_status;
		unsigned int end = n + fido_sender_take_run(s, cookies + n, max - n);

		while (n < end)
			status[n++] = run_status;
	}
	return n;
}

/** @return the ticket that the next descriptor will have; there is room for one. Sender */
static inline uint16_t
fido_sender_next_ticket(const struct fido_sender *s)
{
	return s->free_ticket[s->prod & s->mask];
}

/**
 * Take back cookies whatever the receiver says: it has ended, and nobody reads any more what they stand for
 * (fido_posted.at is UINT64_MAX). Sender; after fido_sender_reap() finds nothing.
 * @return number of cookies
 */
unsigned int fido_sender_recall(struct fido_sender *s, void **cookies, unsigned int max);

/**
 * Read descriptors, as many as are there.
 *
 * Receiver; does not block. Each ticket is held until fido_receiver_complete(). A descriptor whose
 * address fails the check comes with data NULL: the caller completes it with
 * FIDO_STATUS_BAD_ADDRESS, unless it is FIDO_DESC_INLINE and the caller takes such ones.
 *
 * @param d room for max
 * @return number of descriptors; fewer than max: there are no more, or the peer broke the ring's rules
 *         (fido_receiver.broken is set then; the queue is of no more use)
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
		/* A2: pairs with R2. */
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
 * Read the next descriptor. @see fido_receiver_poll
 *
 * @return
 *   - 1: d is filled
 *   - 0: none
 *   - -EPROTO: the peer broke the ring's rules; the queue is of no more use
 */
static inline int
fido_receiver_next(struct fido_receiver *r, struct fido_desc *d)
{
	if (fido_receiver_poll(r, d, 1) == 1)
		return 1;
	return __builtin_expect(r->broken, 0) ? -EPROTO : 0;
}

/** The numbers of batches are used up: keep the times of what is held by ticket, exactly. Receiver; does not block. */
void fido_receiver_keep_times(struct fido_receiver *r);

/** @return when a ticket that is held was read, or a little later; UINT64_MAX: not known */
static inline uint64_t
fido_receiver_polled_at(const struct fido_receiver *r, uint32_t ticket)
{
	uint64_t batch = (r->held[ticket] & ~FIDO_HELD) >> FIDO_GADDR_BITS;

	return batch == FIDO_BATCH_OLD ? r->old_at[ticket] : fido_load_relaxed(&r->polled_at[batch]);
}

/**
 * End a batch: all that was read since the last call was read before now. Receiver, after reading and before
 * anything of it is passed on; does not block. As long as it is forgotten, nothing that a dead domain held comes back.
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
 * Fetch the lines of the next n descriptors but the first. When the first of a burst is there, the others are
 * (R2), and come side by side instead of one after the other. More than were posted only disturbs the sender.
 */
static inline void
fido_receiver_prefetch(const struct fido_receiver *r, uint32_t n)
{
	for (uint32_t i = 4; i < n; i += 4)
		fido_prefetch_read(&r->desc[(r->cons + i) & r->mask]);
}

/** @return true when a descriptor waits to be read. Receiver; does not block. */
static inline bool
fido_receiver_pending(const struct fido_receiver *r)
{
	uint64_t w1 = fido_load_relaxed(&r->desc[r->cons & r->mask].w1);

	return !r->broken && (uint16_t)w1 == (uint16_t)((r->cons >> r->shift) + 1);
}

/** What a burst of completions changes of a receiver, likewise: fido_complete_begin() to fido_complete_end(). */
struct fido_complete_cursor {
	uint64_t *held;
	uint64_t *comp;
	uint32_t mask;
	uint32_t shift;
	uint32_t prod;
	uint32_t count;
	uint16_t run_ticket;
	uint16_t run_count;
	uint16_t run_status;
};

/** Begin a burst of completions. Receiver. @see fido_complete_end */
static inline struct fido_complete_cursor
fido_complete_begin(const struct fido_receiver *r)
{
	return (struct fido_complete_cursor){r->held, r->comp, r->mask, r->shift, r->prod, 0, r->run_ticket, r->run_count,
		r->run_status};
}

/** End a burst of completions. The last run may not be visible yet: fido_complete_flush() before, fido_receiver_flush(). */
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
	word = (uint64_t)c->run_status << 48 | (uint64_t)c->run_count << 32 | (uint32_t)c->run_ticket << 16 |
	       (uint16_t)((c->prod >> c->shift) + 1);
	/* R3: pairs with A3. All reads of the buffers come before their tickets go back. */
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
	if (c->run_count != 0 && status == c->run_status && ticket == ((c->run_ticket + c->run_count) & c->mask)) {
		c->run_count++;
		return;
	}
	fido_complete_flush(c);
	c->run_ticket = ticket;
	c->run_status = status;
	c->run_count = 1;
}

/**
 * Write the run of tickets gathered so far. Receiver; does not block. Wakes nobody: a receive queue ends its bursts of
 * completions by fido_rxq_flush() (link.h).
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
 * Give a ticket back. It may stay in the run that is being gathered until fido_receiver_flush().
 *
 * Receiver; does not block. After this the memory the descriptor named must not be read.
 *
 * @param status FIDO_STATUS_*
 */
static inline void
fido_receiver_complete(struct fido_receiver *r, uint16_t ticket, uint16_t status)
{
	struct fido_complete_cursor c = fido_complete_begin(r);

	fido_complete_put(&c, ticket, status);
	fido_complete_end(r, &c);
}

/** Ask whether the sender must be woken for what was flushed. Receiver; does not block. */
static inline bool
fido_receiver_must_wake(const struct fido_receiver *r)
{
	return fido_peer_armed(r->peer_sleeps, r->peer_armed);
}

/**
 * Make the sender's end of a queue.
 *
 * Control thread. shm is zeroed (I5) and belongs to the sender; it stays owned by the caller, who frees
 * it after fido_sender_destroy(). The receiver's part is attached later.
 *
 * @param n  ring size
 * @return 0, -EINVAL (ring size), -ENOMEM
 * @see fido_sender_destroy
 */
int fido_sender_create(struct fido_sender **out, struct fido_sender_shm *shm, uint32_t n,
		uint64_t queue_id);
/** Tell the sender where the receiver's part is. Before the first put. */
void fido_sender_attach(struct fido_sender *s, const struct fido_receiver_shm *peer);
/** Free the sender's end. NULL is legal. Cookies that are still out are not touched. */
void fido_sender_destroy(struct fido_sender *s);

/**
 * Make the receiver's end of a queue.
 *
 * Control thread. shm is zeroed and belongs to the receiver; peer is the sender's part, checked to be
 * mapped for fido_sender_shm_size(n) bytes.
 *
 * @return 0, -EINVAL (ring size), -ENOMEM
 * @see fido_receiver_destroy
 */
int fido_receiver_create(struct fido_receiver **out, struct fido_receiver_shm *shm,
		const struct fido_sender_shm *peer, uint32_t n, const struct fido_map *map);
/** Free the receiver's end. NULL is legal. */
void fido_receiver_destroy(struct fido_receiver *r);

#ifdef __cplusplus
}
#endif

#endif
