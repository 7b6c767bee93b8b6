/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_SENDER_H
#define FIDO_SENDER_H

/**
 * @file
 * The sender's end of a queue: put descriptors, publish them, reap their cookies. This is the
 * inline fast path below fido_txq (txq.h), for drivers that build descriptors themselves;
 * applications use fido_txq_post(). queue_shm.h has the layout, the invariants and the orderings.
 *
 *   one at a time:  fido_sender_put.. fido_sender_publish
 *   a burst:        fido_post_begin -> fido_post_put.. -> fido_post_end, fido_sender_publish
 *
 * "Sender" below means the thread that uses the sender, with the transmit queue's lock held.
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

/** What was posted with a ticket. Needed only after the receiver's death (src/core/recall.c). */
struct fido_posted {
	/**
	 * Time not later than its publication (fido_clock_before()). UINT64_MAX: recalled, that is,
	 * no domain reads the memory any more.
	 */
	uint64_t at;
	/** gaddr [47:0]; length [63:48] in FIDO_POSTED_UNIT, rounded up, at most 65535. */
	uint64_t what;
};

/** Unit of a length in fido_posted.what, in bytes. */
#define FIDO_POSTED_UNIT 64u

/**
 * The sender's end of a queue, private to the sending domain. Written and read by the sender,
 * except that the control thread marks recalled tickets in `posted`, with the lock held too.
 */
struct fido_sender {
	struct fido_desc_shm *desc;  /**< descriptor ring */
	const uint64_t *comp;        /**< completion ring, in the receiver's memory */
	const uint32_t *peer_armed;  /**< fido_receiver_shm.armed */
	const uint32_t *peer_sleeps; /**< fido_receiver_shm.sleeps */
	uint16_t *free_ticket;       /**< FIFO of N: in order, so that runs stay long */
	void **cookie;               /**< by ticket; NULL: not out */
	struct fido_posted *posted;  /**< by ticket */
	uint32_t mask;               /**< N - 1 */
	uint32_t shift;              /**< log2 N */
	uint32_t prod;        /**< next position to write: free_put - prod tickets are free */
	uint32_t first;       /**< first position not published yet */
	uint64_t first_w1;    /**< its second word, kept back until publish */
	uint32_t free_put;    /**< free-running: place of free_ticket to fill next */
	uint32_t cons;        /**< next completion to read */
	uint16_t run_ticket;  /**< first ticket of the run being reaped */
	uint16_t run_left;    /**< tickets of that run still to be reaped */
	uint16_t run_status;  /**< its status */
	bool broken;          /**< the peer broke I6: its ring is not read any more */
	uint64_t error_count; /**< tickets reaped with a status other than OK */
	uint64_t queue_id;    /**< incarnation of the ring */
	struct fido_sender_shm *shm;              /**< this end's shared part */
	const struct fido_receiver_shm *peer_shm; /**< the receiver's part */
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
 * The members of fido_sender that a burst of posts changes, as a local copy. After each atomic
 * store to the ring the compiler reloads whatever it reads through a pointer; a local copy stays in
 * registers. Between fido_post_begin() and fido_post_end() nothing else may use the sender.
 */
struct fido_post_cursor {
	struct fido_desc_shm *desc;
	const uint16_t *free_ticket;
	void **cookie;
	struct fido_posted *posted;
	uint64_t now; /**< time of posting of the whole burst */
	uint64_t first_w1;
	uint64_t lap; /**< of prod */
	uint32_t mask;
	uint32_t prod;
	uint32_t at;       /**< index of prod in the ring */
	uint32_t first_at; /**< index of the first position not published yet */
};

/** Begin a burst of posts. Sender; does not block. @see fido_post_end */
static inline struct fido_post_cursor
fido_post_begin(const struct fido_sender *s)
{
	return (struct fido_post_cursor){s->desc, s->free_ticket, s->cookie, s->posted,
		fido_clock_before(), s->first_w1, (uint16_t)((s->prod >> s->shift) + 1), s->mask,
		s->prod, s->prod & s->mask, s->first & s->mask};
}

/**
 * End a burst of posts. The descriptors become visible with fido_sender_publish(). Sender; does not
 * block.
 */
static inline void
fido_post_end(struct fido_sender *s, const struct fido_post_cursor *c)
{
	s->first_w1 = c->first_w1;
	s->prod = c->prod;
}

/** @return descriptors that can still be put in this burst. Sender. @see fido_sender_room */
static inline uint32_t
fido_post_room(const struct fido_post_cursor *c, const struct fido_sender *s)
{
	return s->free_put - c->prod;
}

/** @return the ticket that the next descriptor will have. Required: room for one. Sender. */
static inline uint16_t
fido_post_next_ticket(const struct fido_post_cursor *c)
{
	return c->free_ticket[c->at];
}

/** @return the length of fido_posted.what for len bytes. */
static inline uint64_t
fido_posted_units(uint32_t len)
{
	uint64_t units = ((uint64_t)len + FIDO_POSTED_UNIT - 1) / FIDO_POSTED_UNIT;

	return __builtin_expect(units < UINT16_MAX, 1) ? units : UINT16_MAX;
}

/** As fido_sender_put(), within a burst: the caller has checked fido_post_room(). */
static inline void
fido_post_put(struct fido_post_cursor *c, uint64_t gaddr, uint32_t len, uint16_t flags,
	void *cookie)
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
 * Sender; does not block. The caller has checked fido_sender_room(), and puts all descriptors of a
 * message before the next publish. The memory named belongs to the receiver until cookie is reaped.
 *
 * @param gaddr  address of the first byte, of fido_txq_gaddr(); the receiver checks it
 * @param len    bytes
 * @param flags  FIDO_DESC_*, and bits from FIDO_DESC_USER_SHIFT on
 * @param cookie comes back from fido_sender_reap(); not NULL
 */
static inline void
fido_sender_put(struct fido_sender *s, uint64_t gaddr, uint32_t len, uint16_t flags, void *cookie)
{
	struct fido_post_cursor c = fido_post_begin(s);

	fido_post_put(&c, gaddr, len, flags, cookie);
	fido_post_end(s, &c);
}

/** @return the ticket that the next descriptor will have. Required: room for one. Sender. */
static inline uint16_t
fido_sender_next_ticket(const struct fido_sender *s)
{
	return s->free_ticket[s->prod & s->mask];
}

/**
 * Prefetch for writing, in parallel, the cache lines of the next n descriptors, which the receiver
 * read a lap ago. Call it just before they are written: the receiver's own prefetching takes the
 * lines back. Sender; does not block.
 */
static inline void
fido_sender_prefetch(const struct fido_sender *s, uint32_t n)
{
	for (uint32_t i = 0; i < n; i += 4)
		fido_prefetch_write(&s->desc[(s->prod + i) & s->mask]);
}

/** Make all descriptors that were put visible, at once. Sender; does not block. */
static inline void
fido_sender_publish(struct fido_sender *s)
{
	if (s->prod == s->first)
		return;
	/* R2: pairs with A2. The burst and its memory are written before its first descriptor. */
	fido_store_release(&s->desc[s->first & s->mask].w1, s->first_w1);
	s->first = s->prod;
}

/**
 * Ask, after publishing, whether the receiver must be woken. Sender; does not block.
 * @return true: ring its doorbell
 */
static inline bool
fido_sender_must_wake(const struct fido_sender *s)
{
	return fido_peer_armed(s->peer_sleeps, s->peer_armed);
}

/** @return true: a completion waits to be reaped. Sender; does not block. */
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

/** Read the next completion word into run_*. Use fido_sender_reap(). @return true: there was one */
static inline bool
fido_sender_next_run(struct fido_sender *s)
{
	uint64_t c;
	uint16_t ticket, count;

	if (__builtin_expect(s->broken, 0))
		return false;
	/*
	 * A3: pairs with R3. The receiver has finished with the buffers before we see the tickets.
	 */
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
 * Take back n cookies of consecutive tickets. Neither the tickets nor the places of free_ticket,
 * from put on, wrap around. Use fido_sender_reap().
 * @return number taken; fewer than n: the next ticket is not out (I6)
 */
static inline uint32_t
fido_sender_take_part(struct fido_sender *s, void **cookies, uint32_t ticket, uint32_t put,
	uint32_t n)
{
	uint16_t *free_ticket = s->free_ticket + put;
	void **cookie = s->cookie + ticket;
	uint64_t missing = 0;

	/* Test all of them first: the compiler does not vectorize a loop with an early exit. */
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

/** Take back the next cookie of the present run. Use fido_sender_reap(). @return 1; 0: broken */
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
 * Take back up to max cookies of the present run, in parts that do not wrap around. Use
 * fido_sender_reap().
 * @return number; fewer than max: the run ended, or the peer broke the ring's rules
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

		/* Neither this word nor later ones can be trusted. */
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
 * Sender; does not block. Each cookie comes back exactly once; its memory is then the sender's
 * again.
 *
 * @param cookies room for max pointers
 * @return number of cookies. Fewer than max: no more are complete now, or the peer broke the ring's
 *         rules (fido_sender.broken is set then)
 */
static inline unsigned int
fido_sender_reap(struct fido_sender *s, void **cookies, unsigned int max)
{
	unsigned int n = 0;

	while (n < max && (s->run_left != 0 || fido_sender_next_run(s)))
		/* For runs of one ticket the vector code costs more than it saves. */
		n += s->run_left == 1 ? fido_sender_take_one(s, cookies + n)
				      : fido_sender_take_run(s, cookies + n, max - n);
	return n;
}

#ifdef __cplusplus
}
#endif

#endif
