/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The state machine of a link. Each end publishes its state in its control block, and steps when
 * the other end's state changes (fido_link_step()). The file is long because everything that
 * changes the state is here: the control thread's step, and the application's calls to open and
 * close.
 *
 *   A                                         B
 *   OFFERED (tx rings of incarnation a)       OFFERED (tx rings of incarnation b)
 *     sees b: creates completion rings          sees a: creates completion rings
 *   BOUND (to b)                              BOUND (to a)
 *     sees B bound to a: attaches               sees A bound to b: attaches
 *   CONNECTED                                 CONNECTED      posting is allowed unless quiesced
 *
 * | state   | event                                     | next      | action                     |
 * |---------|-------------------------------------------|-----------|----------------------------|
 * | CLOSED  | open                                      | OFFERED   | new incarnation, new rings |
 * | OFFERED | peer offers, is not bound to an older one | BOUND     | bind: receivers            |
 * | BOUND   | peer is bound to this one, has our memory | CONNECTED | attach: senders            |
 * | BOUND+  | peer gone, closed or of a new incarnation | OFFERED   | unbind, new incarnation    |
 * | BOUND+  | peer breaks a ring's rules                | CLOSED    | unbind; until opened again |
 * | any     | no room for rings                         | CLOSED    | unbind; until opened again |
 * | any     | close                                     | CLOSED    | unbind; discard            |
 * "One" is an incarnation. BOUND+ is BOUND or CONNECTED. A dead peer is handled like one that left.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <fido/log.h>

#include "doorbell_private.h"
#include "link_private.h"
#include "sleeper_private.h"

/*
 * How long a link that is ready waits until all domains have mapped the memory that it may carry.
 */
#define START_WAIT_NS UINT64_C(2000000000)

static uint64_t next_incarnation = 1;

static void
publish(struct fido_link *link)
{
	struct fido_link_shm rec = {
		.state = link->state,
		.incarnation = link->incarnation,
		.peer_generation = link->peer != NULL ? link->peer->generation : 0,
		.peer_incarnation = link->peer != NULL ? link->peer_incarnation : 0,
		.quiesced = link->quiesced,
		.ntx = link->ntx,
		.nrx = link->nrx,
		.tx_stats = link->shm->tx_stats,
		.rx_stats = link->shm->rx_stats,
		.stranded = link->shm->stranded,
		.note = link->note != NULL
			? (uint32_t)((char *)link->note - (char *)link->domain->control)
			: 0,
	};

	memcpy(rec.peer, link->peer_name, sizeof(rec.peer));
	memcpy(rec.name, link->name, sizeof(rec.name));
	for (struct fido_tx_ring *e = link->tx_rings; e != NULL; e = e->next)
		if (e->state == FIDO_RING_LIVE)
			rec.tx[e->queue->index] =
				(struct fido_queue_ref_shm){fido_domain_control_gaddr(link->domain,
								    e->sender->shm),
					e->sender->mask + 1, 0};
	for (struct fido_rx_ring *e = link->rx_rings; e != NULL; e = e->next)
		if (e->state == FIDO_RING_LIVE)
			rec.rx[e->peer_index] =
				(struct fido_queue_ref_shm){fido_domain_control_gaddr(link->domain,
								    e->receiver->shm),
					e->receiver->mask + 1, 0};
	fido_control_write_link(link->shm, &rec);
}

static void unbind(struct fido_link *link);

/* ---- offer: new senders ---- */

/* @return 0, or -errno: the link stays CLOSED */
static int
offer(struct fido_link *link)
{
	int ret = 0;

	/* Atomic: several domains of this process may run this at once. */
	link->incarnation = link->domain->generation +
		__atomic_fetch_add(&next_incarnation, 1, __ATOMIC_RELAXED);
	for (uint16_t i = 0; i < link->ntx && ret == 0; i++)
		ret = fido_tx_ring_create(link, link->txq[i]);
	if (ret != 0)
		fido_log(FIDO_LOG_ERROR,
			"link %s of %s to %s: no room for %u rings of %u: use fewer or smaller "
			"rings, or a larger control_size",
			link->name, link->domain->name, link->peer_name, link->ntx,
			link->ring_size);
	if (ret != 0) {
		unbind(link);
		fido_link_collect(link);
		return ret;
	}
	fido_store_relaxed(&link->state, FIDO_LINK_OFFERED);
	return 0;
}

/* ---- bind: receivers for the peer's senders ---- */

static void
log_rings(const struct fido_link *link, const char *what, int error)
{
	fido_log(FIDO_LOG_ERROR, "link %s of %s: cannot %s the rings of %s: %s: %s", link->name,
		link->domain->name, what, link->peer_name,
		error == -EPROTO ? "they break the protocol" : strerror(-error),
		error == -EPROTO ? "restart that domain, then open the link again"
				 : "use fewer or smaller rings, or a larger control_size");
}

static int
bind(struct fido_link *link, struct fido_peer *peer, const struct fido_link_shm *rec)
{
	int ret = rec->ntx > FIDO_LINK_QUEUES_MAX || rec->nrx > FIDO_LINK_QUEUES_MAX ? -EPROTO : 0;

	link->peer = peer;
	link->peer_incarnation = rec->incarnation;
	for (uint16_t i = 0; ret == 0 && i < rec->ntx && link->nrx != 0; i++)
		ret = fido_rx_ring_create(link, peer, &rec->tx[i], i);
	if (ret != 0) {
		log_rings(link, "bind to", ret);
		unbind(link);
		return ret;
	}
	fido_store_relaxed(&link->state, FIDO_LINK_BOUND);
	return 0;
}

/* ---- attach: our senders get the peer's completion rings ---- */

static int
attach(struct fido_link *link, const struct fido_link_shm *rec)
{
	const struct fido_bell_set *bells = fido_link_peer_bells(link, link->peer);

	for (struct fido_tx_ring *e = link->tx_rings; e != NULL; e = e->next) {
		const struct fido_receiver_shm *theirs;

		if (e->state != FIDO_RING_LIVE || rec->nrx == 0)
			continue;
		theirs = fido_check_ref(link, link->peer, &rec->rx[e->queue->index],
			fido_receiver_shm_size);
		if (theirs == NULL || rec->rx[e->queue->index].size != e->sender->mask + 1)
			return -EPROTO;
		fido_sender_attach(e->sender, theirs);
		e->peer = link->peer;
		link->peer->refs++;
		/* From now on the peer may poll, and we do not free the ring before the peer has
		 * set `closed` or is gone. */
		fido_store_release(&e->sender->shm->attached, 1);
	}
	link->peer_note = fido_link_peer_note(link, link->peer, rec->note);
	if (bells != NULL) /* otherwise they have yet to arrive */
		fido_link_set_bells(link, link->peer, bells);
	fido_store_relaxed(&link->state, FIDO_LINK_CONNECTED);
	return 0;
}

/* ---- open: allow or forbid posting ---- */

static void
set_open(struct fido_link *link, bool open)
{
	for (struct fido_tx_ring *e = link->tx_rings; e != NULL; e = e->next) {
		struct fido_txq *q = e->queue;

		if (e->state != FIDO_RING_LIVE || e->peer == NULL)
			continue;
		fido_lock_take(&q->lock);
		q->sender = e->sender;
		q->note = link->peer_note;
		fido_sleeper_tell(&q->sleeper, &e->sender->shm->sleeps);
		q->up = open;
		q->open = open && !q->paused;
		fido_lock_release(&q->lock);
		/* Its thread may be sleeping until it can post. */
		if (open && fido_sleeper_is(&q->sleeper))
			fido_doorbell_ring(q->bell);
	}
	fido_store_relaxed(&link->up, open);
}

/* ---- unbind: live rings become old ---- */

static void
unbind_senders(struct fido_link *link)
{
	for (struct fido_tx_ring *e = link->tx_rings; e != NULL; e = e->next) {
		struct fido_txq *q = e->queue;

		if (e->state != FIDO_RING_LIVE)
			continue;
		fido_lock_take(&q->lock);
		q->up = q->open = false;
		q->sender = NULL;
		q->note = NULL;
		q->peer_bell = NULL;
		if (e->peer != NULL) {
			e->next_old = q->old;
			q->old = e;
		}
		fido_lock_release(&q->lock);
		e->state = FIDO_RING_RETIRED;
	}
	fido_store_relaxed(&link->up, false);
}

static void
unbind(struct fido_link *link)
{
	unbind_senders(link);
	/* Messages that the peer posted before it went can still be polled, even if it attached,
	 * posted and went since our last step. */
	fido_link_poll_ready(link);
	for (struct fido_rx_ring *e = link->rx_rings; e != NULL; e = e->next)
		if (e->state == FIDO_RING_LIVE) {
			e->state = FIDO_RING_RETIRED;
			e->discard |= !e->polled;
		}
	link->peer = NULL;
	link->peer_incarnation = 0;
	fido_store_relaxed(&link->state, FIDO_LINK_CLOSED);
}

/* ---- the step ---- */

/*
 * Find the peer's record of this link. Closed records do not count: the peer may still have one of
 * a destroyed link of the same name.
 * @return 1: rec is a consistent copy, 0: none, -EAGAIN: being written
 */
static int
find_record(const struct fido_link *link, const struct fido_peer *peer, struct fido_link_shm *rec)
{
	for (uint32_t i = 0; i < FIDO_DOMAIN_LINKS_MAX; i++) {
		const struct fido_link_shm *shm = &peer->control->links[i];
		char name[FIDO_NAME_MAX];

		if (fido_load_relaxed(&shm->state) < FIDO_LINK_OFFERED)
			continue;
		fido_control_name(name, shm->name);
		if (strcmp(name, link->name) != 0)
			continue;
		fido_control_name(name, shm->peer);
		if (strcmp(name, link->domain->name) == 0)
			return fido_control_read_link(shm, rec) ? 1 : -EAGAIN;
	}
	return 0;
}

/*
 * May memory of slot s be passed on to the peer? When we die, the domains that sent it to us ask
 * every domain that they know what it still holds (recall.h). So every domain that may have slot
 * s's memory must know the peer before we pass any of it on.
 */
static bool
peer_is_known(const struct fido_link *link, uint32_t s, uint64_t generation)
{
	const struct fido_peer *peer = link->peer;

	for (const struct fido_peer *p = link->domain->peers; p != NULL; p = p->next) {
		const struct fido_mapped_shm *mapped = p->control->mapped;

		if (!p->gone && !p->observes && p != peer &&
			(p->slot == s || fido_load_acquire(&mapped[s].generation) == generation) &&
			fido_load_acquire(&mapped[peer->slot].generation) != peer->generation)
			return false;
	}
	return true;
}

/* Update what the peer can read. */
static void
update_view(struct fido_link *link)
{
	const struct fido_mapped_shm *mine = link->domain->control->mapped;
	const struct fido_mapped_shm *theirs = link->peer->control->mapped;
	uint32_t own = link->domain->slot;
	uint64_t slots = 0;

	for (uint32_t s = 0; s < link->domain->layout.slots; s++)
		if (mine[s].generation != 0 &&
			fido_load_acquire(&theirs[s].generation) == mine[s].generation &&
			fido_load_acquire(&theirs[s].epoch) >= mine[s].epoch &&
			peer_is_known(link, s, mine[s].generation))
			slots |= UINT64_C(1) << s;
	fido_store_release(&link->view.slots, slots);
	if (fido_load_acquire(&theirs[own].generation) == link->domain->generation)
		fido_store_release(&link->view.epoch,
			(uint32_t)fido_load_acquire(&theirs[own].epoch));
	else
		fido_store_release(&link->view.epoch, 0);
}

static bool
peer_lost(const struct fido_link *link, const struct fido_peer *peer,
	const struct fido_link_shm *rec)
{
	return peer != link->peer || rec == NULL || rec->incarnation != link->peer_incarnation ||
		rec->state < FIDO_LINK_OFFERED;
}

static bool
end_broken(const struct fido_link *link)
{
	bool broken = false;

	for (const struct fido_tx_ring *e = link->tx_rings; e != NULL; e = e->next) {
		fido_lock_take(&e->queue->lock);
		broken |= e->state == FIDO_RING_LIVE && e->sender->broken;
		fido_lock_release(&e->queue->lock);
	}
	for (const struct fido_rx_ring *e = link->rx_rings; e != NULL; e = e->next) {
		fido_lock_take(&e->queue->lock);
		broken |= e->state == FIDO_RING_LIVE && e->receiver->broken;
		fido_lock_release(&e->queue->lock);
	}
	return broken;
}

/* Close until the application opens the link again. Wake threads that sleep on its queues. */
static void
give_up(struct fido_link *link, int error)
{
	link->want_open = false;
	fido_store_relaxed(&link->error, error);
	for (uint16_t i = 0; i < link->nrx; i++)
		fido_doorbell_ring(link->rxq[i]->bell);
	for (uint16_t i = 0; i < link->ntx; i++)
		if (link->txq[i]->own_bell)
			fido_doorbell_ring(link->txq[i]->bell);
}

/* Close the link if the peer broke a ring's rules. @return true: it did */
static bool
check_broken(struct fido_link *link)
{
	if (link->state < FIDO_LINK_BOUND || !end_broken(link))
		return false;
	fido_log(FIDO_LOG_ERROR,
		"link %s of %s: %s broke the rules of its ring: link closed; restart %s, then open "
		"the link again",
		link->name, link->domain->name, link->peer_name, link->peer_name);
	give_up(link, -EPROTO);
	unbind(link);
	return true;
}

/* @return true: the peer's end is bound to this incarnation, and has mapped our memory */
static bool
peer_ready(const struct fido_link *link, const struct fido_link_shm *rec)
{
	return rec->state >= FIDO_LINK_BOUND && rec->peer_generation == link->domain->generation &&
		rec->peer_incarnation == link->incarnation &&
		link->view.epoch >= link->domain->control->epoch;
}

/* @return true: the peer has mapped all that we have mapped, and every domain has mapped us */
static bool
all_mapped(const struct fido_link *link)
{
	const struct fido_mapped_shm *mine = link->domain->control->mapped;

	for (const struct fido_peer *p = link->domain->peers; p != NULL; p = p->next)
		if (!p->gone && !p->observes &&
			(!(link->view.slots >> p->slot & 1) || mine[p->slot].epoch == 0))
			return false;
	return fido_peers_reached(link->domain, (uint32_t)link->domain->control->epoch);
}

/*
 * May posting start? The peer may pass on our messages at once, and we may pass on messages of any
 * domain. So start when all have mapped all, and nothing has to be copied; but do not let one slow
 * or hung domain delay the link for longer than START_WAIT_NS.
 */
static bool
worth_starting(struct fido_link *link)
{
	if (link->ready_ns == 0)
		link->ready_ns = fido_now_ns();
	if (!all_mapped(link) && fido_now_ns() - link->ready_ns < START_WAIT_NS) {
		link->domain->look_again = true;
		return false;
	}
	link->ready_ns = 0;
	return true;
}

/* @return true: this end's doorbells have been sent to the peer */
static bool
hand_over_bells(struct fido_link *link)
{
	struct fido_domain *d = link->domain;
	int ret = d->ops->offer_doorbells(d->transport, link);

	if (ret != 0 && !link->waits_for_bells)
		fido_log(FIDO_LOG_ERROR,
			"link %s of %s to %s: cannot hand over its doorbells: %s: the link waits: "
			"raise the limit of open files (ulimit -n)",
			link->name, d->name, link->peer_name, strerror(-ret));
	link->waits_for_bells = ret != 0;
	d->try_again |= ret != 0;
	return ret == 0;
}

/*
 * @return the link's peer. An observer gets no link, because nobody waits for what it has mapped.
 */
static struct fido_peer *
find_peer(const struct fido_link *link)
{
	struct fido_peer *peer = fido_domain_find_peer(link->domain, link->peer_name);

	return peer == NULL || peer->observes ? NULL : peer;
}

bool
fido_link_step(struct fido_link *link)
{
	struct fido_peer *peer = find_peer(link);
	enum fido_link_state before = link->state;
	uint64_t incarnation = link->incarnation;
	struct fido_link_shm copy, *rec = NULL;
	int found = peer != NULL ? find_record(link, peer, &copy) : 0, ret = 0;

	if (link->destroyed)
		return false;
	if (found == 1)
		rec = &copy;
	/* Check for broken rings first: a hostile peer may never finish its record. */
	if (!check_broken(link) && found == -EAGAIN && (link->peer == NULL || link->peer == peer))
		return false; /* The peer notifies us when it has written its record. */
	if (link->state >= FIDO_LINK_BOUND && peer_lost(link, peer, rec))
		unbind(link);
	if (link->state == FIDO_LINK_CLOSED && link->want_open)
		ret = offer(link);
	if (link->state == FIDO_LINK_OFFERED && rec != NULL && rec->state >= FIDO_LINK_OFFERED &&
		(rec->state == FIDO_LINK_OFFERED || rec->peer_incarnation == link->incarnation)) {
		if (hand_over_bells(link))
			ret = bind(link, peer, rec);
	}
	if (link->peer != NULL)
		update_view(link);
	if (link->state == FIDO_LINK_BOUND && peer_ready(link, rec) && worth_starting(link)) {
		ret = attach(link, rec);
		if (ret != 0) {
			log_rings(link, "attach to", ret);
			unbind(link);
		}
	}
	if (ret != 0)
		give_up(link, ret);
	fido_link_poll_ready(link);
	if (link->state == FIDO_LINK_CONNECTED) {
		bool open = rec->quiesced == 0;

		if (open != link->up || before != FIDO_LINK_CONNECTED)
			set_open(link, open);
	}
	if (before == link->state && incarnation == link->incarnation)
		return false;
	publish(link);
	return true;
}

/* ---- the application's calls ---- */

int
fido_link_open(struct fido_link *link)
{
	struct fido_domain *d = link->domain;
	bool changed;
	int ret = 0;

	pthread_mutex_lock(&d->lock);
	/* If the link is open and quiesced, tell the peer that it no longer is. */
	changed = link->quiesced;
	link->want_open = true;
	fido_store_relaxed(&link->error, 0);
	link->quiesced = false;
	if (link->state == FIDO_LINK_CLOSED) {
		fido_link_collect(link);
		ret = offer(link);
		changed |= ret == 0;
		if (ret != 0)
			give_up(link, ret);
	}
	if (changed) {
		publish(link);
		d->ops->notify(d->transport);
	}
	pthread_mutex_unlock(&d->lock);
	fido_domain_kick(d);
	return ret;
}

static void
set_quiesced(struct fido_link *link, bool quiesced)
{
	struct fido_domain *d = link->domain;

	pthread_mutex_lock(&d->lock);
	if (link->quiesced != quiesced) {
		link->quiesced = quiesced;
		publish(link);
		d->ops->notify(d->transport);
	}
	pthread_mutex_unlock(&d->lock);
	fido_domain_kick(d);
}

void
fido_link_quiesce(struct fido_link *link)
{
	set_quiesced(link, true);
}

void
fido_link_resume(struct fido_link *link)
{
	set_quiesced(link, false);
}

void
fido_link_close_locked(struct fido_link *link)
{
	struct fido_domain *d = link->domain;

	link->want_open = false;
	fido_store_relaxed(&link->error, 0);
	if (link->state != FIDO_LINK_CLOSED) {
		unbind(link);
		publish(link);
		d->ops->notify(d->transport);
	}
	for (struct fido_rx_ring *e = link->rx_rings; e != NULL; e = e->next)
		e->discard = true;
	fido_link_collect(link);
	link->reported_up = false;
}

void
fido_link_close(struct fido_link *link)
{
	struct fido_domain *d = link->domain;

	pthread_mutex_lock(&d->lock);
	fido_link_close_locked(link);
	pthread_mutex_unlock(&d->lock);
	fido_domain_kick(d);
}

bool
fido_link_is_up(const struct fido_link *link)
{
	return fido_load_relaxed(&link->up);
}

int
fido_link_error(const struct fido_link *link)
{
	return fido_load_relaxed(&link->error);
}

bool
fido_link_is_connected(const struct fido_link *link)
{
	return fido_load_relaxed(&link->state) == FIDO_LINK_CONNECTED;
}

bool
fido_link_is_offered(const struct fido_link *link)
{
	struct fido_domain *d = link->domain;
	const struct fido_peer *peer;
	struct fido_link_shm rec;
	bool offered;

	pthread_mutex_lock(&d->lock);
	peer = fido_domain_find_peer(d, link->peer_name);
	/* A record being written (-EAGAIN) counts as present. */
	offered = peer != NULL && find_record(link, peer, &rec) != 0;
	pthread_mutex_unlock(&d->lock);
	return offered;
}

struct fido_domain *
fido_link_domain(const struct fido_link *link)
{
	return link->domain;
}

void
fido_link_kick(struct fido_link *link)
{
	fido_domain_kick(link->domain);
}
