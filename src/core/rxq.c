/* SPDX-License-Identifier: BSD-3-Clause */
/* Out-of-line half of the receive queue. */

#include <errno.h>

#include "link_private.h"
#include "sleeper_private.h"

/* Most descriptors read at a time. */
#define CHUNK 32

uint32_t
fido_rxq_held(struct fido_rxq *q)
{
	uint64_t polled = fido_load_relaxed(&q->stats->polled);

	return (uint32_t)(polled - fido_load_relaxed(&q->stats->completed));
}

/* @return number of descriptors that wait, at most max */
static uint32_t
waiting(const struct fido_receiver *r, uint32_t max)
{
	uint32_t n = 0;

	/* The first of a burst is published last (R2): without it, the later ones do not count. */
	while (!r->broken && n < max && n <= r->mask) {
		uint32_t pos = r->cons + n;

		if ((uint16_t)fido_load_relaxed(&r->desc[pos & r->mask].w1) !=
			(uint16_t)((pos >> r->shift) + 1))
			break;
		n++;
	}
	return n;
}

void
fido_rxq_look(struct fido_rxq *q, uint32_t max, struct fido_rxq_fill *fill)
{
	*fill = (struct fido_rxq_fill){0};
	fido_lock_take(&q->lock);
	fill->rings = q->count;
	for (uint16_t i = 0; i < q->count; i++) {
		const struct fido_receiver *r = q->receivers[i];

		fill->size += r->mask + 1;
		fill->held += r->held_count;
		fill->waiting += waiting(r, max - fill->waiting);
	}
	fido_lock_release(&q->lock);
}

int
fido_rxq_watch(struct fido_rxq *q, const uint64_t **word, uint16_t *lap)
{
	const struct fido_receiver *r = NULL;
	uint16_t count;

	fido_lock_take(&q->lock);
	count = q->count;
	if (count == 1 && !q->receivers[0]->broken)
		r = q->receivers[0];
	q->watched = r;
	if (r != NULL) {
		*word = &r->desc[r->cons & r->mask].w1;
		*lap = (uint16_t)((r->cons >> r->shift) + 1);
	}
	fido_lock_release(&q->lock);
	if (r != NULL)
		return 0;
	return count > 1 ? -ENOTSUP : -EAGAIN;
}

/* The lock is held. */
static void
set_armed(struct fido_rxq *q)
{
	q->armed = true;
	for (uint16_t i = 0; i < q->count; i++)
		fido_store_relaxed(&q->receivers[i]->shm->armed, 1);
}

/* The lock is held. */
static bool
is_pending(const struct fido_rxq *q)
{
	bool pending = false;

	for (uint16_t i = 0; i < q->count; i++)
		pending |= fido_receiver_pending(q->receivers[i]);
	return pending;
}

/* Set `sleeps` in all rings, wait until all peers see it, and return with the lock held. */
static void
lock_to_sleep(struct fido_rxq *q)
{
	fido_lock_take(&q->lock);
	fido_sleeper_begin(&q->sleeper);
	for (uint16_t i = 0; i < q->count; i++)
		fido_sleeper_tell(&q->sleeper, &q->receivers[i]->shm->sleeps);
	while (fido_sleeper_must_wait(&q->sleeper)) {
		fido_lock_release(&q->lock);
		fido_sleeper_wait();
		fido_lock_take(&q->lock);
	}
}

bool
fido_rxq_arm(struct fido_rxq *q)
{
	return fido_link_arm(q, NULL, 0);
}

static bool
any_pending(struct fido_rxq *rxq, struct fido_txq *const *txqs, unsigned int n)
{
	bool pending;

	fido_lock_take(&rxq->lock);
	pending = is_pending(rxq);
	fido_lock_release(&rxq->lock);
	for (unsigned int i = 0; i < n && !pending; i++)
		pending = fido_txq_pending(txqs[i]);
	return pending;
}

bool
fido_link_arm(struct fido_rxq *rxq, struct fido_txq *const *txqs, unsigned int n)
{
	lock_to_sleep(rxq);
	set_armed(rxq);
	fido_counter_add(&rxq->stats->wakeups, 1);
	fido_lock_release(&rxq->lock);
	for (unsigned int i = 0; i < n; i++)
		fido_txq_set_armed(txqs[i]);
	/* If something waits, nobody will sleep: no fence needed. */
	if (any_pending(rxq, txqs, n))
		return true;
	/*
	 * F5: pairs with F4 of all peers. What was published without seeing `armed` is seen below.
	 */
	fido_sleeper_fence();
	return any_pending(rxq, txqs, n);
}

int
fido_rxq_fd(const struct fido_rxq *q)
{
	return fido_doorbell_fd(q->bell);
}

void
fido_rxq_disarm(struct fido_rxq *q, bool clear)
{
	fido_lock_take(&q->lock);
	q->armed = false;
	for (uint16_t i = 0; i < q->count; i++)
		fido_store_relaxed(&q->receivers[i]->shm->armed, 0);
	fido_lock_release(&q->lock);
	if (clear)
		fido_doorbell_clear(q->bell);
}

void
fido_rxq_ring_sender(struct fido_rxq *q, const struct fido_receiver *r)
{
	fido_counter_add(&q->stats->doorbells, 1);
	fido_doorbell_ring(r->peer_bell);
}

/* Complete a bad descriptor that is not returned; it counts as polled and as completed. */
static void
drop(struct fido_rxq *q, struct fido_receiver *r, uint16_t ticket)
{
	fido_receiver_complete(r, ticket, FIDO_STATUS_BAD_ADDRESS);
	fido_counter_add(&q->stats->polled, 1);
	fido_counter_add(&q->stats->completed, 1);
	fido_counter_add(&q->stats->bad, 1);
}

static void
drop_all(struct fido_rxq *q, struct fido_receiver *r, const struct fido_rx *rx, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++)
		drop(q, r, rx[i].desc.ticket);
}

/* Undo the reading of the last n descriptors, whose message does not fit, for the next call. */
static void
unread(struct fido_receiver *r, const struct fido_rx *rx, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++)
		r->held[rx[i].desc.ticket] = 0;
	r->held_count -= n;
	r->cons -= n;
}

/* What has been read from a ring in one call. */
struct taken {
	struct fido_rx *rx;
	unsigned int n;     /* of rx */
	unsigned int first; /* start of the last message while its end is missing; otherwise n */
	uint32_t dropping;  /* descriptors of a message that is being given back; 0: none is */
};

static void
take(struct fido_rxq *q, struct fido_receiver *r, struct taken *t, const struct fido_desc *d)
{
	bool chained = (d->flags & FIDO_DESC_CHAINED) != 0;

	/* The caller expects readable memory, so FIDO_DESC_INLINE, which a hostile peer can set,
	 * makes a descriptor bad. */
	if (__builtin_expect(d->data != NULL && !(d->flags & FIDO_DESC_INLINE) && t->dropping == 0,
		    1)) {
		t->rx[t->n++] = (struct fido_rx){*d, r};
		if (!chained)
			t->first = t->n;
		return;
	}
	/* One descriptor of a message is bad: give the whole message back. */
	drop_all(q, r, t->rx + t->first, t->n - t->first);
	t->dropping = chained ? t->dropping + 1 + t->n - t->first : 0;
	t->n = t->first;
	drop(q, r, d->ticket);
}

/* @return descriptors read so far of the last, incomplete message; 0: there is none */
static uint32_t
part_length(const struct taken *t)
{
	return t->dropping != 0 ? t->dropping : t->n - t->first;
}

/*
 * Read at most one ring full, so that a sender that keeps posting bad descriptors does not keep us
 * here. But do not stop within a message whose end may be there: a message has no more descriptors
 * than the ring.
 */
static void
take_all(struct fido_rxq *q, struct fido_receiver *r, struct taken *t, unsigned int max)
{
	struct fido_desc d[CHUNK];
	uint32_t seen = 0;
	unsigned int want, got;

	do {
		want = max - t->n < CHUNK ? max - t->n : CHUNK;
		got = fido_receiver_poll(r, d, want);
		for (unsigned int i = 0; i < got; i++)
			take(q, r, t, &d[i]);
		seen += got;
	} while (got == want && t->n < max &&
		(seen <= r->mask || (part_length(t) != 0 && part_length(t) <= r->mask)));
}

/* @param alone return a message longer than max in parts. @return number of descriptors */
static unsigned int
poll_receiver(struct fido_rxq *q, struct fido_receiver *r, struct fido_rx *rx, unsigned int max,
	bool alone)
{
	struct taken t = {.rx = rx};

	take_all(q, r, &t, max);
	if (t.n == max && t.first < t.n && (t.first != 0 || !alone)) {
		unread(r, rx + t.first, t.n - t.first);
		t.n = t.first;
	} else if (t.dropping != 0 || (t.n < max && t.first < t.n)) {
		/* A sender publishes whole messages (R2): one without its end breaks the rules. */
		drop_all(q, r, rx + t.first, t.n - t.first);
		t.n = t.first;
		r->broken = true;
	}
	fido_rxq_flush(q, r);
	return t.n;
}

static void
count(struct fido_rx_stats_shm *stats, const struct fido_rx *rx, unsigned int n)
{
	uint64_t bytes = 0, packets = 0;

	for (unsigned int i = 0; i < n; i++) {
		bytes += rx[i].desc.len;
		packets += !(rx[i].desc.flags & FIDO_DESC_CHAINED);
	}
	fido_counter_add(&stats->polled, n);
	fido_counter_add(&stats->bytes, bytes);
	fido_counter_add(&stats->packets, packets);
	fido_counter_add(&stats->zero_copy, packets);
}

unsigned int
fido_rxq_poll(struct fido_rxq *q, struct fido_rx *rx, unsigned int max)
{
	unsigned int n = 0;
	bool broken = false;
	uint16_t at;

	fido_lock_take(&q->lock);
	/* Start each call with the next ring. */
	if (++q->next >= q->count)
		q->next = 0;
	at = q->next;
	for (uint16_t k = 0; k < q->count && n < max; k++) {
		struct fido_receiver *r = q->receivers[at];
		unsigned int got = poll_receiver(q, r, rx + n, max - n, n == 0);

		if (got != 0)
			fido_receiver_stamp(r);
		n += got;
		broken |= r->broken;
		if (++at >= q->count)
			at = 0;
	}
	if (n != 0)
		count(q->stats, rx, n);
	fido_lock_release(&q->lock);
	if (broken)
		fido_link_kick(q->link);
	return n;
}

/* Complete the leading descriptors that are of the same ring. @return their number */
static unsigned int
complete_run(struct fido_rxq *q, const struct fido_rx *rx, unsigned int n, uint16_t status)
{
	struct fido_receiver *r = rx[0].receiver;
	struct fido_complete_cursor c = fido_complete_begin(r);
	unsigned int i;

	for (i = 0; i < n && rx[i].receiver == r; i++)
		fido_complete_put(&c, rx[i].desc.ticket, status);
	fido_rxq_complete_end(q, r, &c);
	return i;
}

void
fido_rxq_complete(struct fido_rxq *q, const struct fido_rx *rx, unsigned int n, uint16_t status)
{
	fido_lock_take(&q->lock);
	for (unsigned int i = 0; i < n;)
		i += complete_run(q, rx + i, n - i, status);
	fido_counter_add(&q->stats->completed, n);
	fido_lock_release(&q->lock);
}
