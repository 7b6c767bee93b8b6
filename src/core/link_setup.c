/* SPDX-License-Identifier: BSD-3-Clause */
/* Create, configure and destroy links and their queue handles; list the links that peers offer. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <fido/log.h>

#include "doorbell_private.h"
#include "link_private.h"

static struct fido_link *
find_link(const struct fido_domain *d, const char *peer, const char *name)
{
	for (uint32_t i = 0; i < FIDO_DOMAIN_LINKS_MAX; i++) {
		struct fido_link *link = d->links[i];

		if (link != NULL && !link->destroyed && strcmp(link->peer_name, peer) == 0 &&
			strcmp(link->name, name) == 0)
			return link;
	}
	return NULL;
}

static void
record_init(struct fido_link *link)
{
	struct fido_link_shm rec = {.state = FIDO_LINK_CLOSED};

	memcpy(rec.peer, link->peer_name, sizeof(rec.peer));
	memcpy(rec.name, link->name, sizeof(rec.name));
	fido_control_write_link(link->shm, &rec);
}

static int
create_locked(struct fido_domain *d, const struct fido_link_config *config, const char *name,
	struct fido_link **out)
{
	struct fido_link *link;
	uint32_t i = 0;

	if (find_link(d, config->peer, name) != NULL) {
		fido_log(FIDO_LOG_ERROR,
			"domain %s has a link %s to %s already: give this one another name "
			"(link=NAME) at both ends",
			d->name, name, config->peer);
		return -EEXIST;
	}
	while (i < FIDO_DOMAIN_LINKS_MAX && d->links[i] != NULL)
		i++;
	if (i == FIDO_DOMAIN_LINKS_MAX) {
		fido_log(FIDO_LOG_ERROR,
			"domain %s cannot have another link: it has %u links, the maximum: destroy "
			"one",
			d->name, i);
		return -ENOSPC;
	}
	link = calloc(1, sizeof(*link));
	if (link == NULL)
		return -ENOMEM;
	link->domain = d;
	link->index = i;
	link->shm = &d->control->links[i];
	snprintf(link->peer_name, sizeof(link->peer_name), "%s", config->peer);
	snprintf(link->name, sizeof(link->name), "%s", name);
	link->event = config->event;
	link->arg = config->arg;
	fido_store_relaxed(&link->state, FIDO_LINK_CLOSED);
	record_init(link);
	d->links[i] = link;
	*out = link;
	return 0;
}

int
fido_link_create(struct fido_domain *d, const struct fido_link_config *config,
	struct fido_link **out)
{
	const char *name = config->name != NULL ? config->name : "0";
	int ret;

	if (!fido_name_valid(config->peer) || !fido_name_valid(name)) {
		fido_log(FIDO_LOG_ERROR,
			"peer '%s', link '%s': names are 1 to %d of A-Z a-z 0-9 _ . - and do not "
			"start with a dot",
			config->peer != NULL ? config->peer : "", name, FIDO_NAME_MAX - 1);
		return -EINVAL;
	}
	if (strcmp(config->peer, d->name) == 0) {
		fido_log(FIDO_LOG_ERROR, "domain %s: a link needs another domain as its peer",
			d->name);
		return -EINVAL;
	}
	if (d->observes) {
		fido_log(FIDO_LOG_ERROR,
			"domain %s cannot create links: it joined as an observer: join without "
			"`observes`",
			d->name);
		return -EINVAL;
	}
	pthread_mutex_lock(&d->lock);
	ret = create_locked(d, config, name, out);
	pthread_mutex_unlock(&d->lock);
	return ret;
}

static int
txq_create(struct fido_link *link, uint16_t i)
{
	struct fido_domain *d = link->domain;
	struct fido_txq *q = calloc(1, sizeof(*q));
	int ret;

	if (q == NULL)
		return -ENOMEM;
	ret = d->ops->doorbell_create(d->transport, &q->bell);
	if (ret != 0) {
		free(q);
		return ret;
	}
	q->own_bell = true;
	q->peer = &link->view;
	q->regions = d->regions;
	q->own_granules = d->own_granules;
	q->layout = d->layout;
	q->slot = d->slot;
	q->link = link;
	q->index = i;
	link->txq[i] = q;
	return 0;
}

static int
rxq_create(struct fido_link *link, uint16_t i)
{
	struct fido_domain *d = link->domain;
	struct fido_rxq *q = calloc(1, sizeof(*q));
	int ret;

	if (q == NULL)
		return -ENOMEM;
	ret = d->ops->doorbell_create(d->transport, &q->bell);
	if (ret != 0) {
		free(q);
		return ret;
	}
	q->link = link;
	q->index = i;
	link->rxq[i] = q;
	return 0;
}

/* Counters are in the control region, where others can read them. They live as long as the link. */
static int
stats_create(struct fido_link *link)
{
	struct fido_domain *d = link->domain;
	size_t tx_size = FIDO_LINK_QUEUES_MAX * sizeof(struct fido_tx_stats_shm);
	size_t rx_size = FIDO_LINK_QUEUES_MAX * sizeof(struct fido_rx_stats_shm);
	void *tx, *rx;

	if (link->tx_stats_size != 0)
		return 0;
	tx = fido_domain_heap_alloc(d, tx_size);
	rx = fido_domain_heap_alloc(d, rx_size);
	if (tx == NULL || rx == NULL) {
		fido_domain_heap_free(d, tx, tx_size);
		fido_domain_heap_free(d, rx, rx_size);
		fido_log(FIDO_LOG_ERROR,
			"domain %s: no room for the counters of one more link: use a larger "
			"control_size",
			d->name);
		return -ENOSPC;
	}
	link->tx_stats_size = tx_size;
	link->rx_stats_size = rx_size;
	fido_store_release(&link->shm->tx_stats, fido_domain_control_gaddr(d, tx));
	fido_store_release(&link->shm->rx_stats, fido_domain_control_gaddr(d, rx));
	return 0;
}

static int
configure_locked(struct fido_link *link, uint16_t ntx, uint16_t nrx, uint32_t ring_size)
{
	int ret;

	if (link->state != FIDO_LINK_CLOSED)
		return -EBUSY;
	ret = stats_create(link);
	for (uint16_t i = 0; i < ntx && ret == 0; i++)
		if (link->txq[i] == NULL)
			ret = txq_create(link, i);
	for (uint16_t i = 0; i < nrx && ret == 0; i++)
		if (link->rxq[i] == NULL)
			ret = rxq_create(link, i);
	if (ret != 0)
		return ret;
	for (uint16_t i = 0; i < ntx; i++)
		link->txq[i]->stats =
			(struct fido_tx_stats_shm *)(uintptr_t)link->shm->tx_stats + i;
	for (uint16_t i = 0; i < nrx; i++)
		link->rxq[i]->stats =
			(struct fido_rx_stats_shm *)(uintptr_t)link->shm->rx_stats + i;
	link->ntx = ntx;
	link->nrx = nrx;
	link->ring_size = ring_size;
	return 0;
}

int
fido_link_configure(struct fido_link *link, uint16_t ntx, uint16_t nrx, uint32_t ring_size)
{
	int ret;

	if (ntx > FIDO_LINK_QUEUES_MAX || nrx > FIDO_LINK_QUEUES_MAX) {
		fido_log(FIDO_LOG_ERROR, "link %s to %s: %u tx and %u rx queues: at most %d each",
			link->name, link->peer_name, ntx, nrx, FIDO_LINK_QUEUES_MAX);
		return -EINVAL;
	}
	if (!fido_ring_size_valid(ring_size)) {
		fido_log(FIDO_LOG_ERROR,
			"link %s to %s: ring size %u: use a power of two from %d to %d", link->name,
			link->peer_name, ring_size, FIDO_RING_MIN, FIDO_RING_MAX);
		return -EINVAL;
	}
	pthread_mutex_lock(&link->domain->lock);
	ret = configure_locked(link, ntx, nrx, ring_size);
	pthread_mutex_unlock(&link->domain->lock);
	return ret;
}

static void
free_ends(struct fido_link *link)
{
	struct fido_tx_ring *t;
	struct fido_rx_ring *r;

	while ((t = link->tx_rings) != NULL) {
		link->tx_rings = t->next;
		if (t->peer != NULL)
			t->peer->refs--;
		fido_domain_heap_free(link->domain, t->sender->shm, t->shm_size);
		fido_sender_destroy(t->sender);
		free(t);
	}
	while ((r = link->rx_rings) != NULL) {
		link->rx_rings = r->next;
		r->peer->refs--;
		fido_domain_heap_free(link->domain, r->receiver->shm, r->shm_size);
		fido_receiver_destroy(r->receiver);
		free(r);
	}
}

void
fido_link_free(struct fido_link *link)
{
	struct fido_domain *d = link->domain;

	free_ends(link);
	fido_link_free_note(link);
	fido_domain_heap_free(d, (void *)(uintptr_t)link->shm->tx_stats, link->tx_stats_size);
	fido_domain_heap_free(d, (void *)(uintptr_t)link->shm->rx_stats, link->rx_stats_size);
	fido_control_write_link(link->shm, &(struct fido_link_shm){.state = FIDO_LINK_UNUSED});
	for (uint16_t i = 0; i < FIDO_LINK_QUEUES_MAX; i++) {
		if (link->txq[i] != NULL && link->txq[i]->own_bell)
			fido_doorbell_destroy(link->txq[i]->bell);
		if (link->rxq[i] != NULL)
			fido_doorbell_destroy(link->rxq[i]->bell);
		free(link->txq[i]);
		free(link->rxq[i]);
	}
	d->links[link->index] = NULL;
	fido_domain_forget_bells(d, link->peer_name, link->name);
	free(link);
}

void
fido_link_destroy(struct fido_link *link)
{
	struct fido_domain *d;

	if (link == NULL)
		return;
	d = link->domain;
	fido_link_close(link);
	pthread_mutex_lock(&d->lock);
	link->destroyed = true; /* The control thread frees it when its last ring is gone. */
	link->event = NULL;
	/* Let a running event function end: the caller is about to free what it uses. */
	while (d->reporting == link && !pthread_equal(pthread_self(), d->thread)) {
		pthread_mutex_unlock(&d->lock);
		usleep(100);
		pthread_mutex_lock(&d->lock);
	}
	pthread_mutex_unlock(&d->lock);
	fido_domain_kick(d);
}

void
fido_link_forget_region(struct fido_link *link, const struct fido_region *region)
{
	for (uint16_t i = 0; i < FIDO_LINK_QUEUES_MAX; i++) {
		struct fido_txq *q = link->txq[i];

		if (q == NULL)
			continue;
		fido_lock_take(&q->lock);
		if (q->last == region)
			q->last = NULL;
		fido_lock_release(&q->lock);
	}
}

struct fido_txq *
fido_link_txq(struct fido_link *link, uint16_t i)
{
	return i < FIDO_LINK_QUEUES_MAX ? link->txq[i] : NULL;
}

struct fido_rxq *
fido_link_rxq(struct fido_link *link, uint16_t i)
{
	return i < FIDO_LINK_QUEUES_MAX ? link->rxq[i] : NULL;
}

/* @return true: record i of the peer offers us a link that we have not created */
static bool
read_offer(const struct fido_domain *d, const struct fido_peer *peer, uint32_t i,
	const char *prefix, struct fido_offer *offer)
{
	const struct fido_link_shm *shm = &peer->control->links[i];
	struct fido_link_shm rec;
	char to[FIDO_NAME_MAX];

	if (fido_load_relaxed(&shm->state) < FIDO_LINK_OFFERED ||
		!fido_control_read_link(shm, &rec))
		return false;
	fido_control_name(to, rec.peer);
	fido_control_name(offer->name, rec.name);
	if (rec.state < FIDO_LINK_OFFERED || strcmp(to, d->name) != 0 ||
		strncmp(offer->name, prefix, strlen(prefix)) != 0 ||
		!fido_name_valid(offer->name) || rec.ntx > FIDO_LINK_QUEUES_MAX ||
		rec.nrx > FIDO_LINK_QUEUES_MAX)
		return false;
	memcpy(offer->peer, peer->name, sizeof(offer->peer));
	offer->generation = peer->generation;
	offer->ntx = rec.ntx;
	offer->nrx = rec.nrx;
	return find_link(d, offer->peer, offer->name) == NULL;
}

unsigned int
fido_domain_offers(struct fido_domain *d, const char *prefix, struct fido_offer *offers,
	unsigned int max)
{
	unsigned int n = 0;

	pthread_mutex_lock(&d->lock);
	for (const struct fido_peer *p = d->peers; p != NULL; p = p->next)
		for (uint32_t i = 0; i < FIDO_DOMAIN_LINKS_MAX && n < max && !p->gone; i++)
			n += read_offer(d, p, i, prefix, &offers[n]);
	pthread_mutex_unlock(&d->lock);
	return n;
}
