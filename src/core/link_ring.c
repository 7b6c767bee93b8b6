/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The rings of a link, and their life: LIVE with their incarnation; OLD when the link has gone down
 * and tickets are still out or held; RETIRED when only the memory must stay. The public headers
 * call every ring that is not LIVE retired.
 *
 * Who may free ring memory, and when:
 * - A receiver is polled only after it has seen `attached` in the sender's part. From then on the
 *   sender frees the descriptor ring only when it sees the receiver's `closed`, or the receiver is
 *   gone.
 * - A sender without tickets out sets its `closed`. The receiver frees the completion ring only
 *   after that, or when the sender is gone, and sets its own `closed` first.
 * Freed memory is distinguished from the old ring by its queue_id, which is never used twice.
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
	/* The peer may have missed a wake-up while we had its previous doorbell, or none. */
	fido_doorbell_ring(bell);
}

void
fido_link_set_bells(struct fido_link *link, const struct fido_peer *peer,
	const struct fido_bell_set *set)
{
	if (strcmp(link->name, set->link) != 0)
		return;
	/*
	 * Replace every old doorbell, with NULL if the peer sent none: the old ones will be freed.
	 */
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
	/* Before the peer can see that we are bound, and post. */
	fido_store_release(&link->domain->control->mapped[peer->slot].received, peer->generation);
	peer->refs++;
	e->next = link->rx_rings;
	link->rx_rings = e;
	return 0;
}

/* @return true: the peer will not read the memory of queue `id` again */
static bool
peer_done(const struct fido_peer *peer, uint64_t id, const uint64_t *their_id,
	const uint32_t *closed)
{
	return peer == NULL || peer->gone || fido_load_acquire(their_id) != id ||
		fido_load_acquire(closed);
}

/*
 * Recall: mark the tickets that are out with a peer that is gone and whose memory no domain reads
 * any more, and wake the sender, which nobody else does. The queue's lock is held, so a thread that
 * is about to sleep either sees the marks, or is seen to sleep.
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
	if (e->state == FIDO_RING_RETIRED) {
		fido_lock_take(&q->lock);
		recall(link, e);
		/* Nobody else reaps the queues of a destroyed link. */
		if (link->destroyed)
			fido_tx_ring_forget(e);
		if (e->peer == NULL || fido_sender_out(e->sender) == 0) {
			for (p = &q->old; *p != NULL && *p != e; p = &(*p)->next_old)
				;
			if (*p == e)
				*p = e->next_old;
			e->state = FIDO_RING_DRAINED;
			fido_store_release(&e->sender->shm->closed, 1);
		}
		fido_lock_release(&q->lock);
	}
	if (e->state != FIDO_RING_DRAINED ||
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
 * The application polls no more: complete what the peer has posted as closed. At most one ring full
 * at a time, so that a peer that keeps posting does not keep us here.
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

/* @return true: the sender still uses the queue: it has neither set `closed` nor freed the ring */
static bool
peer_posts(const struct fido_rx_ring *e)
{
	return !peer_done(e->peer, e->receiver->queue_id, &e->receiver->peer_shm->queue_id,
		&e->receiver->peer_shm->closed);
}

/* @return true: the sender has attached, so its ring stays until we have finished with it */
static bool
sender_attached(const struct fido_rx_ring *e)
{
	const struct fido_sender_shm *shm = e->receiver->peer_shm;
	uint64_t id = e->receiver->queue_id;

	return fido_load_acquire(&shm->queue_id) == id && fido_load_acquire(&shm->attached) == 1 &&
		fido_load_acquire(&shm->queue_id) == id;
}

/* @return the doorbell of the ring's sender; NULL: it has not arrived yet */
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
		/* A ring that was never polled has no doorbell yet. */
		if (r->peer_bell == NULL)
			r->peer_bell = sender_bell(link, e);
		discard(q, r);
	}
	if (e->state == FIDO_RING_RETIRED && r->held_count == 0 && !peer_posts(e) &&
		(!e->polled || r->broken || !fido_receiver_pending(r))) {
		stop_polling(e);
		/* A ring watched without the lock keeps its memory until fido_rxq_watch() is called
		 * again. */
		if (q->watched != r) {
			e->state = FIDO_RING_DRAINED;
			fido_store_release(&r->shm->closed, 1);
		}
	}
	fido_lock_release(&q->lock);
	/* A receiver retires only after the sender has finished, so its memory is freed at once. */
	if (e->state != FIDO_RING_DRAINED)
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
		if (e->state == FIDO_RING_RETIRED && e->peer != NULL && e->peer->gone)
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

uint32_t
fido_link_stranded(const struct fido_link *link)
{
	return fido_load_relaxed(&link->shm->stranded);
}

bool
fido_link_quiet(struct fido_link *link)
{
	for (const struct fido_tx_ring *e = link->tx_rings; e != NULL; e = e->next)
		if (e->state != FIDO_RING_DRAINED && e->peer != NULL && tx_end_out(e) != 0)
			return false;
	for (const struct fido_rx_ring *e = link->rx_rings; e != NULL; e = e->next)
		if (e->state != FIDO_RING_DRAINED && rx_end_held(e) != 0)
			return false;
	return true;
}
