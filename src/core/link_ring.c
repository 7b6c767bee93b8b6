/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The two kinds of queue ends of a link, and their life: LIVE with their incarnation, OLD when the link has
 * gone down and tickets are still out or held, RETIRED when only the memory waits.
 *
 * Who may free ring memory, and when:
 * - A receiver is polled only after it has seen `attached` in the sender's part. From then on the sender
 *   frees the descriptor ring only when it sees the receiver's `closed` (or the receiver is gone).
 * - A sender that is done (no ticket out) sets its `closed`. The receiver frees the completion ring only
 *   after that (or when the sender is gone), and sets its own `closed` first.
 * Memory that was freed is told from the old ring by its queue_id, which is never used twice.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "link_private.h"
#include "recall.h"
#include "sleeper_private.h"

const struct fido_bell_set *
fido_link_peer_bells(const struct fido_link *link, const struct fido_peer *peer)
{
	for (const struct fido_bell_set *s = peer->bells; s != NULL; s = s->next)
		if (strcmp(s->link, link->name) == 0)
			return s;
	return NULL;
}

static void
set_bell(struct fido_lock *lock, const struct fido_doorbell **place,
	const struct fido_doorbell *bell)
{
	fido_lock_take(lock);
	*place = bell;
	fido_lock_release(lock);
	/* What was rung before, with the peer's former doorbell or none, it may have missed. */
	fido_doorbell_ring(bell);
}

void
fido_link_set_bells(struct fido_link *link, const struct fido_peer *peer,
	const struct fido_bell_set *set)
{
	if (strcmp(link->name, set->link) != 0)
		return;
	/* The bells of before go: none may be kept, also when the peer gives us none now. */
	if (link->peer == peer)
		for (uint16_t i = 0; i < link->ntx; i++)
			set_bell(&link->txq[i]->lock, &link->txq[i]->peer_bell,
				set->nrx != 0 ? set->rx[i % set->nrx] : NULL);
	for (struct fido_rx_ring *e = link->rx_rings; e != NULL; e = e->next)
		if (e->peer == peer)
			set_bell(&e->queue->lock, &e->receiver->peer_bell,
				e->peer_index < set->ntx ? set->tx[e->peer_index] : NULL);
}

uint64_t
fido_queue_id(uint64_t incarnation, uint16_t index)
{
	return incarnation << 8 | index;
}

static uint64_t
shm_id(struct fido_receiver_shm *shm, uint64_t incarnation, uint16_t index)
{
	uint64_t id = fido_queue_id(incarnation, index);

	fido_store_relaxed(&shm->queue_id, id);
	return id;
}

int
fido_tx_ring_create(struct fido_link *link, struct fido_txq *q)
{
	struct fido_tx_ring *e = calloc(1, sizeof(*e));
	void *shm;
	int ret;

	if (e == NULL)
		return -ENOMEM;
	e->shm_size = fido_sender_shm_size(link->ring_size);
	shm = fido_domain_heap_alloc(link->domain, e->shm_size);
	if (shm == NULL) {
		free(e);
		return -ENOSPC;
	}
	ret = fido_sender_create(&e->sender, shm, link->ring_size,
		fido_queue_id(link->incarnation, q->index));
	if (ret != 0) {
		fido_domain_heap_free(link->domain, shm, e->shm_size);
		free(e);
		return ret;
	}
	fido_store_relaxed(&e->sender->shm->sleeps, fido_sleeper_is(&q->sleeper));
	e->queue = q;
	e->next = link->tx_rings;
	link->tx_rings = e;
	return 0;
}

const void *
fido_check_ref(const struct fido_link *link, const struct fido_peer *peer,
	const struct fido_queue_ref_shm *ref, size_t (*size_of)(uint32_t))
{
	uint64_t off = ref->gaddr - (uintptr_t)peer->control;

	if (!fido_ring_size_valid(ref->size) || ref->gaddr % 64 != 0 ||
		off < FIDO_CONTROL_HEAP_OFFSET || off > peer->control_size ||
		size_of(ref->size) > peer->control_size - off)
		return NULL;
	return fido_map_ptr(&link->domain->map, ref->gaddr, (uint32_t)size_of(ref->size));
}

int
fido_rx_ring_create(struct fido_link *link, struct fido_peer *peer,
	const struct fido_queue_ref_shm *ref, uint16_t index)
{
	const struct fido_sender_shm *theirs =
		fido_check_ref(link, peer, ref, fido_sender_shm_size);
	struct fido_rxq *q = link->rxq[index % link->nrx];
	struct fido_rx_ring *e;
	void *shm;
	int ret;

	if (theirs == NULL)
		return -EPROTO;
	e = calloc(1, sizeof(*e));
	if (e == NULL)
		return -ENOMEM;
	e->shm_size = fido_receiver_shm_size(ref->size);
	shm = fido_domain_heap_alloc(link->domain, e->shm_size);
	ret = shm == NULL
		? -ENOSPC
		: fido_receiver_create(&e->receiver, shm, theirs, ref->size, &link->domain->map);
	if (ret != 0) {
		fido_domain_heap_free(link->domain, shm, e->shm_size);
		free(e);
		return ret;
	}
	e->receiver->queue_id = shm_id(shm, link->peer_incarnation, index);
	fido_store_relaxed(&e->receiver->shm->sleeps, fido_sleeper_is(&q->sleeper));
	e->queue = q;
	e->peer = peer;
	e->peer_index = index;
	/* Before the peer sees that we are bound, and posts. */
	fido_store_release(&link->domain->control->mapped[peer->slot].received, peer->generation);
	peer->refs++;
	e->next = link->rx_rings;
	link->rx_rings = e;
	return 0;
}

/* @return true when the peer will not read memory of queue `id` again */
static bool
peer_done(const struct fido_peer *peer, uint64_t id, const uint64_t *their_id,
	const uint32_t *closed)
{
	return peer == NULL || peer->gone || fido_load_acquire(their_id) != id ||
		fido_load_acquire(closed);
}

/*
 * Mark what is out with a peer that is gone, and that nobody reads any more; wake the sender, for which nobody else rings. The
 * queue's lock is held: a thread that is about to sleep has not looked yet, or is seen to sleep.
 */
static void
recall(const struct fido_link *link, struct fido_tx_ring *e)
{
	struct fido_sender *s = e->sender;
	struct fido_recall q;
	bool news = false;

	if (e->peer == NULL || !e->peer->gone || fido_sender_out(s) == 0)
		return;
	if (!fido_recall_ask(link->domain, e->peer, &q))
		return;
	for (uint32_t t = 0; t <= s->mask; t++)
		if (s->cookie[t] != NULL && s->posted[t].at != UINT64_MAX &&
			fido_recall_allows(&q, &s->posted[t])) {
			s->posted[t].at = UINT64_MAX;
			news = true;
		}
	fido_recall_answered(&q);
	e->recalled |= news;
	if (news && fido_sleeper_is(&e->queue->sleeper))
		fido_doorbell_ring(e->queue->bell);
}

static bool
collect_tx(struct fido_link *link, struct fido_tx_ring *e)
{
	struct fido_txq *q = e->queue;
	struct fido_tx_ring **p;

	if (e->state == FIDO_RING_LIVE)
		return false;
	if (e->state == FIDO_RING_OLD) {
		fido_lock_take(&q->lock);
		recall(link, e);
		/* Of a link that is destroyed nobody else takes back what was sent. */
		if (link->destroyed)
			fido_tx_ring_forget(e);
		if (e->peer == NULL || fido_sender_out(e->sender) == 0) {
			for (p = &q->old; *p != NULL && *p != e; p = &(*p)->next_old)
				;
			if (*p == e)
				*p = e->next_old;
			e->state = FIDO_RING_RETIRED;
			fido_store_release(&e->sender->shm->closed, 1);
		}
		fido_lock_release(&q->lock);
	}
	if (e->state != FIDO_RING_RETIRED ||
		(e->peer != NULL &&
			!peer_done(e->peer, e->sender->queue_id, &e->sender->peer_shm->queue_id,
				&e->sender->peer_shm->closed)))
		return false;
	if (e->peer != NULL)
		e->peer->refs--;
	fido_domain_heap_free(link->domain, e->sender->shm, e->shm_size);
	fido_sender_destroy(e->sender);
	return true;
}

/*
 * The application polls no more: give back unread what the peer had posted. No more than a ring holds at a time,
 * as one that goes on posting, whatever comes back, would keep us here.
 */
static void
discard(struct fido_rxq *q, struct fido_receiver *r)
{
	struct fido_desc d;

	for (uint32_t i = 0; i <= r->mask && fido_receiver_next(r, &d) == 1; i++)
		fido_receiver_complete(r, d.ticket, FIDO_STATUS_CLOSED);
	fido_rxq_flush(q, r);
}

static void
stop_polling(struct fido_rx_ring *e)
{
	struct fido_rxq *q = e->queue;

	for (uint16_t i = 0; i < q->count; i++)
		if (q->receivers[i] == e->receiver) {
			memmove(&q->receivers[i], &q->receivers[i + 1],
				(size_t)(q->count - i - 1) * sizeof(q->receivers[0]));
			q->count--;
			break;
		}
	e->polled = false;
}

/* @return true when the sender still uses the queue: it has not set closed, nor freed the ring */
static bool
peer_posts(const struct fido_rx_ring *e)
{
	return !peer_done(e->peer, e->receiver->queue_id, &e->receiver->peer_shm->queue_id,
		&e->receiver->peer_shm->closed);
}

/* @return true when the sender has attached, so that its ring stays until we have done with it */
static bool
sender_attached(const struct fido_rx_ring *e)
{
	const struct fido_sender_shm *shm = e->receiver->peer_shm;
	uint64_t id = e->receiver->queue_id;

	return fido_load_acquire(&shm->queue_id) == id && fido_load_acquire(&shm->attached) == 1 &&
		fido_load_acquire(&shm->queue_id) == id;
}

/* @return the doorbell of the sender at the other end; NULL: it has not come yet */
static const struct fido_doorbell *
sender_bell(const struct fido_link *link, const struct fido_rx_ring *e)
{
	const struct fido_bell_set *bells = fido_link_peer_bells(link, e->peer);

	return bells != NULL && e->peer_index < bells->ntx ? bells->tx[e->peer_index] : NULL;
}

void
fido_link_poll_ready(struct fido_link *link)
{
	for (struct fido_rx_ring *e = link->rx_rings; e != NULL; e = e->next) {
		struct fido_rxq *q = e->queue;
		const struct fido_doorbell *bell;
		bool armed;

		if (e->state != FIDO_RING_LIVE || e->polled || !sender_attached(e))
			continue;
		bell = sender_bell(link, e);
		if (bell != NULL)
			set_bell(&q->lock, &e->receiver->peer_bell, bell);
		fido_lock_take(&q->lock);
		if (q->count < FIDO_RXQ_RECEIVERS_MAX) {
			/* An armed queue stays armed when it gets a new ring. */
			fido_store_relaxed(&e->receiver->shm->armed, q->armed);
			fido_sleeper_tell(&q->sleeper, &e->receiver->shm->sleeps);
			q->receivers[q->count++] = e->receiver;
			e->polled = true;
		}
		armed = q->armed;
		fido_lock_release(&q->lock);
		if (armed)
			fido_doorbell_ring(q->bell);
	}
}

static bool
collect_rx(struct fido_link *link, struct fido_rx_ring *e)
{
	struct fido_rxq *q = e->queue;
	struct fido_receiver *r = e->receiver;

	if (e->state == FIDO_RING_LIVE)
		return false;
	fido_lock_take(&q->lock);
	if (e->discard && q->watched == r)
		q->watched = NULL;
	if (e->discard && (e->polled || sender_attached(e))) {
		stop_polling(e);
		/* One that was never polled has not been given it. */
		if (r->peer_bell == NULL)
			r->peer_bell = sender_bell(link, e);
		discard(q, r);
	}
	if (e->state == FIDO_RING_OLD && r->held_count == 0 && !peer_posts(e) &&
		(!e->polled || r->broken || !fido_receiver_pending(r))) {
		stop_polling(e);
		/* Who watches it finds it gone when he asks again: until then its memory stays. */
		if (q->watched != r) {
			e->state = FIDO_RING_RETIRED;
			fido_store_release(&r->shm->closed, 1);
		}
	}
	fido_lock_release(&q->lock);
	/* What retires a receiver is the sender's word that it reads no more, so its memory goes at once. */
	if (e->state != FIDO_RING_RETIRED)
		return false;
	e->peer->refs--;
	fido_domain_heap_free(link->domain, r->shm, e->shm_size);
	fido_receiver_destroy(r);
	return true;
}

static uint32_t
tx_end_out(const struct fido_tx_ring *e)
{
	uint32_t out;

	fido_lock_take(&e->queue->lock);
	out = fido_sender_out(e->sender);
	fido_lock_release(&e->queue->lock);
	return out;
}

static uint32_t
rx_end_held(const struct fido_rx_ring *e)
{
	uint32_t held;

	fido_lock_take(&e->queue->lock);
	held = e->receiver->held_count;
	fido_lock_release(&e->queue->lock);
	return held;
}

bool
fido_link_collect(struct fido_link *link)
{
	bool waiting = false;
	uint32_t stranded = 0;

	for (struct fido_tx_ring **p = &link->tx_rings; *p != NULL;) {
		struct fido_tx_ring *e = *p;

		if (collect_tx(link, e)) {
			*p = e->next;
			free(e);
			continue;
		}
		if (e->state == FIDO_RING_OLD && e->peer != NULL && e->peer->gone)
			stranded += tx_end_out(e);
		waiting |= e->state != FIDO_RING_LIVE;
		p = &e->next;
	}
	for (struct fido_rx_ring **p = &link->rx_rings; *p != NULL;) {
		struct fido_rx_ring *e = *p;

		if (collect_rx(link, e)) {
			*p = e->next;
			free(e);
			continue;
		}
		waiting |= e->state != FIDO_RING_LIVE;
		p = &e->next;
	}
	fido_store_relaxed(&link->shm->stranded, stranded);
	return waiting;
}

/* @return how many bytes from its address on a ticket stands for */
static uint64_t
posted_len(const struct fido_posted *posted)
{
	uint64_t units = posted->what >> FIDO_GADDR_BITS;

	/* The length of a very long one is not known; what is empty is somewhere. */
	return units == UINT16_MAX ? UINT64_C(1) << 32
				   : (units != 0 ? units : 1) * FIDO_POSTED_UNIT;
}

static void
set_bits(uint64_t *bits, uint32_t first, uint32_t count, uint32_t mask)
{
	for (uint32_t i = first; i != first + count; i++)
		bits[(i & mask) / 64] |= UINT64_C(1) << (i & mask) % 64;
}

/* Mark, a bit each, the tickets that have come back and were not reaped. All of them together are no more than are out (I4). */
static void
mark_completed(const struct fido_sender *s, uint64_t *back)
{
	uint32_t left = fido_sender_out(s) - s->run_left;

	set_bits(back, s->run_ticket, s->run_left, s->mask);
	for (uint32_t pos = s->cons; left != 0 && !s->broken; pos++) {
		/* A3: pairs with R3, as when they are reaped: the receiver has done with the buffers. */
		uint64_t c = fido_load_acquire(&s->comp[pos & s->mask]);
		uint16_t count = (uint16_t)(c >> 32);

		if ((uint16_t)c != (uint16_t)((pos >> s->shift) + 1) || count == 0 || count > left)
			return;
		set_bits(back, (uint16_t)(c >> 16), count, s->mask);
		left -= count;
	}
}

static void
tag_overlapping(struct fido_extents *set, size_t i, uint64_t end)
{
	for (; i < set->count && set->items[i].extent.gaddr < end; i++)
		set->items[i].tag = 1;
}

/* The queue's lock is held. */
static void
tag_named_by(const struct fido_sender *s, struct fido_extents *set)
{
	uint64_t back[FIDO_RING_MAX / 64] = {0};
	bool marked = false;

	for (uint32_t t = 0; t <= s->mask; t++) {
		uint64_t at = s->posted[t].what & FIDO_GADDR_MASK, end;
		size_t i;

		if (s->cookie[t] == NULL || s->posted[t].at == UINT64_MAX)
			continue;
		end = at + posted_len(&s->posted[t]);
		i = fido_extents_find(set, at);
		if (i == set->count || set->items[i].extent.gaddr >= end)
			continue;
		if (!marked)
			mark_completed(s, back);
		marked = true;
		if (!(back[t / 64] >> t % 64 & 1))
			tag_overlapping(set, i, end);
	}
}

void
fido_link_tag_named(struct fido_link *link, struct fido_extents *set)
{
	for (struct fido_tx_ring *e = link->tx_rings; e != NULL; e = e->next) {
		fido_lock_take(&e->queue->lock);
		if (e->peer != NULL && fido_sender_out(e->sender) != 0)
			tag_named_by(e->sender, set);
		fido_lock_release(&e->queue->lock);
	}
}

static void
add_held(const struct fido_rx_ring *e, struct fido_held *held)
{
	const struct fido_receiver *r = e->receiver;

	fido_lock_take(&e->queue->lock);
	held->unread |= e->polled ? fido_receiver_pending(r) : e->state == FIDO_RING_LIVE;
	for (uint32_t t = 0; t <= r->mask && r->held_count != 0; t++)
		if (r->held[t] != 0)
			fido_held_add(held, r->held[t] & FIDO_GADDR_MASK,
				fido_receiver_polled_at(r, t));
	fido_lock_release(&e->queue->lock);
}

void
fido_link_add_held(const struct fido_link *link, const struct fido_peer *peer,
	struct fido_held *held)
{
	for (const struct fido_rx_ring *e = link->rx_rings; e != NULL; e = e->next)
		if (e->peer == peer)
			add_held(e, held);
}

uint32_t
fido_link_stranded(const struct fido_link *link)
{
	return fido_load_relaxed(&link->shm->stranded);
}

bool
fido_link_quiet(struct fido_link *link)
{
	for (const struct fido_tx_ring *e = link->tx_rings; e != NULL; e = e->next)
		if (e->state != FIDO_RING_RETIRED && e->peer != NULL && tx_end_out(e) != 0)
			return false;
	for (const struct fido_rx_ring *e = link->rx_rings; e != NULL; e = e->next)
		if (e->state != FIDO_RING_RETIRED && rx_end_held(e) != 0)
			return false;
	return true;
}

/* @return true when a descriptor that waits to be polled names memory in [gaddr, gaddr + len) */
static bool
waits_in_ring(const struct fido_receiver *r, uint64_t gaddr, uint64_t len)
{
	for (uint32_t i = 0; i <= r->mask && !r->broken; i++) {
		const struct fido_desc_shm *d = &r->desc[(r->cons + i) & r->mask];

		if ((uint16_t)fido_load_acquire(&d->w1) !=
			(uint16_t)(((r->cons + i) >> r->shift) + 1))
			return false;
		if ((fido_load_relaxed(&d->w0) & FIDO_GADDR_MASK) - gaddr < len)
			return true;
	}
	return false;
}

bool
fido_link_holds(struct fido_link *link, uint64_t gaddr, uint64_t len)
{
	for (struct fido_rx_ring *e = link->rx_rings; e != NULL; e = e->next) {
		const struct fido_receiver *r = e->receiver;
		bool found = false;

		fido_lock_take(&e->queue->lock);
		for (uint32_t t = 0; t <= r->mask && r->held_count != 0 && !found; t++)
			found = r->held[t] != 0 && (r->held[t] & FIDO_GADDR_MASK) - gaddr < len;
		found = found || (e->polled && waits_in_ring(r, gaddr, len));
		fido_lock_release(&e->queue->lock);
		if (found)
			return true;
	}
	return false;
}
