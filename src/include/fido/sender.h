/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_SENDER_H
#define FIDO_SENDER_H

/**
 * @file
 * The sender's end of a queue: put descriptors, publish them, reap their cookies. The inline fast path below fido_txq
 * (txq.h), for drivers that build descriptors themselves; applications post through fido_txq_post(). The layout, the
 * invariants and the orderings are in queue_shm.h.
 *
 *   one at a time:  fido_sender_put.. fido_sender_publish
 *   a burst:        fido_sender_begin -> fido_cursor_put.. -> fido_sender_end, fido_sender_publish
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <fido/atomic.h>
#include <fido/clock.h>
#include <fido/queue_shm.h>
#include <fido/sleeper.h>

#ifdef __cplusplus
extern "C" {
#endif

/** What a ticket stands for; of use only after the receiver's death. */
struct fido_posted {
	uint64_t
		at; /**< not later than it was published (fido_clock_before); UINT64_MAX: read by nobody any more */
	uint64_t
		what; /**< gaddr [47:0], length in units of FIDO_POSTED_UNIT, rounded up, [63:48], at most 65535 */
};

#define FIDO_POSTED_UNIT 64u

/** The sender's end of a queue. Private to the sender. */
struct fido_sender {
	struct fido_desc_shm *desc;
	const uint64_t *comp;       /**< in the receiver's memory */
	const uint32_t *peer_armed; /**< in the receiver's memory */
	const uint32_t *peer_sleeps;
	uint16_t *free_ticket; /**< FIFO of N: keeps tickets consecutive, so that runs stay long */
	void **cookie;         /**< by ticket; NULL: not out */
	struct fido_posted *posted; /**< by ticket */
	uint32_t mask;              /**< N - 1 */
	uint32_t shift;             /**< log2 N */
	uint32_t
		prod; /**< next position to write; each takes a ticket, so free tickets = free_put - prod */
	uint32_t first;      /**< first position not published yet */
	uint64_t first_w1;   /**< its second word, kept back until publish */
	uint32_t free_put;   /**< free-running: place of free_ticket that is filled next */
	uint32_t cons;       /**< next completion to read */
	uint16_t run_ticket; /**< rest of a run that reap's caller had no room for */
	uint16_t run_left;
	uint16_t run_status;
	bool broken;          /**< the peer broke I6: no more use of its ring */
	uint64_t error_count; /**< tickets that came back with a status other than OK */
	uint64_t queue_id;
	struct fido_sender_shm *shm;
	const struct fido_receiver_shm *peer_shm;
};

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
	return (struct fido_cursor){s->desc, s->free_ticket, s->cookie, s->posted,
		fido_clock_before(), s->first_w1, (uint16_t)((s->prod >> s->shift) + 1), s->mask,
		s->prod, s->prod & s->mask, s->first & s->mask};
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
	c->posted[ticket] =
		(struct fido_posted){c->now, gaddr | fido_posted_units(len) << FIDO_GADDR_BITS};
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

/** @return the ticket that the next descriptor will have; there is room for one. Sender */
static inline uint16_t
fido_sender_next_ticket(const struct fido_sender *s)
{
	return s->free_ticket[s->prod & s->mask];
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
fido_sender_take_part(struct fido_sender *s, void **cookies, uint32_t ticket, uint32_t put,
	uint32_t n)
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
		uint32_t ticket = (s->run_ticket + done) & s->mask,
			 put = (s->free_put + done) & s->mask;
		uint32_t room = size - (ticket > put ? ticket : put),
			 part = n - done < room ? n - done : room;
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
		n += s->run_left == 1 ? fido_sender_take_one(s, cookies + n)
				      : fido_sender_take_run(s, cookies + n, max - n);
	return n;
}

#ifdef __cplusplus
}
#endif

#endif
