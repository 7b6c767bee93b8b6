/* SPDX-License-Identifier: BSD-3-Clause */
/* Clients: from the offer of a link to its end. */

#include "clients.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <fido/clock.h>

#include "admit.h"
#include "queue.h"
#include "refusal.h"
#include "server_private.h"
#include "worker.h"

/* Requests in progress per queue; further ones wait in the ring. */
#define REQUESTS 1024u
/* Initial size of the array of offers; it grows on demand. */
#define OFFERS_MIN 16u
/* The most that all peers together can offer. */
#define OFFERS_MAX ((unsigned int)FIDO_SLOTS_MAX * FIDO_DOMAIN_LINKS_MAX)
/* Retry offers that could not be accepted when a client has left, and at these intervals. */
#define RETRY_FIRST_MS 50u
#define RETRY_MAX_MS 1000u

static void
wake_workers(const struct blk_server *s)
{
	for (unsigned int i = 0; i < s->config.workers; i++)
		back_worker_wake(&s->workers[i]);
}

/* Control thread. */
static void
link_changed(void *arg, enum fido_link_event event)
{
	struct back_client *c = arg;

	if (event == FIDO_LINK_DOWN)
		__atomic_fetch_add(&c->downs, 1, __ATOMIC_RELAXED);
	wake_workers(c->server);
}

void
back_client_destroy(struct back_client *c)
{
	fido_link_destroy(c->link);
	for (uint16_t i = 0; i < c->queue_count; i++)
		back_queue_destroy(c->queues[i]);
	free(c);
}

/* @return 0, -errno */
static int
client_link(struct back_client *c, const struct fido_offer *offer)
{
	struct blk_server *s = c->server;
	int ret = fido_link_create(s->domain,
		&(struct fido_link_config){.peer = offer->peer,
			.name = offer->name,
			.event = link_changed,
			.arg = c},
		&c->link);

	if (ret == 0)
		ret = fido_link_configure(c->link, offer->nrx, offer->ntx, s->config.ring_size);
	for (uint16_t i = 0; ret == 0 && i < offer->ntx; i++) {
		ret = back_queue_create(c, i, REQUESTS, &c->queues[i]);
		if (ret != 0)
			break;
		c->queue_count++;
		c->queues[i]->txq = fido_link_txq(c->link, i);
		c->queues[i]->rxq = fido_link_rxq(c->link, i);
		fido_txq_share_bell(c->queues[i]->txq, c->queues[i]->rxq);
	}
	return ret != 0 ? ret : fido_link_open(c->link);
}

/*
 * @return number of descriptors that admitted clients have yet to open; until its link is
 * connected, a client has one for each pair of queues
 */
static unsigned int
fds_to_come(const struct blk_server *s)
{
	unsigned int n = 0;

	for (const struct back_client *c = s->clients; c != NULL; c = c->next)
		if (!c->leaving && !fido_link_is_connected(c->link))
			n += blk_admit_fds(&c->offer) - c->queue_count;
	return n;
}

/* @return 0, -errno */
static int
accept_client(struct blk_server *s, const struct fido_offer *offer)
{
	struct back_client *c;
	int ret = blk_admit(s->domain, s->client_count, fds_to_come(s), offer, s->config.ring_size);

	if (ret != 0)
		return ret;
	c = calloc(1, sizeof(*c));
	if (c == NULL)
		return -ENOMEM;
	c->server = s;
	c->offer = *offer;
	memcpy(c->peer, offer->peer, sizeof(c->peer));
	ret = client_link(c, offer);
	if (ret != 0) {
		back_client_destroy(c);
		return ret;
	}
	c->next = s->clients;
	s->clients = c;
	s->client_count++;
	back_refusal_withdraw(s, offer);
	for (uint16_t i = 0; i < c->queue_count; i++)
		back_worker_give(&s->workers[s->next_worker++ % s->config.workers], c->queues[i]);
	return 0;
}

/* Back off: look at offers again after a while, or when a client leaves. */
static void
retry_later(struct blk_server *s)
{
	s->retry_after_ms = s->retry_after_ms == 0 ? RETRY_FIRST_MS : s->retry_after_ms * 2;
	if (s->retry_after_ms > RETRY_MAX_MS)
		s->retry_after_ms = RETRY_MAX_MS;
	s->retry_ms = fido_now_ms() + s->retry_after_ms;
}

/*
 * Fetch all offers into s->offers: one that cannot be accepted must not hide others.
 * @return number of offers
 */
static unsigned int
look_at_offers(struct blk_server *s)
{
	unsigned int n = fido_domain_offers(s->domain, BLK_LINK_PREFIX, s->offers, s->offers_max);

	while (n == s->offers_max && n < OFFERS_MAX) {
		unsigned int more = n == 0 ? OFFERS_MIN : 2 * n;
		struct fido_offer *offers = realloc(s->offers, more * sizeof(*offers));

		if (offers == NULL)
			break;
		s->offers = offers;
		s->offers_max = more;
		n = fido_domain_offers(s->domain, BLK_LINK_PREFIX, s->offers, s->offers_max);
	}
	return n;
}

void
back_clients_accept(struct blk_server *s)
{
	struct fido_offer *offers;
	bool refused = false;
	unsigned int n;

	if (s->retry_ms != 0 && fido_now_ms() < s->retry_ms)
		return;
	n = look_at_offers(s);
	offers = s->offers;
	for (unsigned int i = 0; i < n; i++) {
		int ret;

		/* A front-end of this version offers its queues in pairs. */
		if (offers[i].ntx == 0 || offers[i].ntx != offers[i].nrx)
			continue;
		ret = accept_client(s, &offers[i]);
		if (ret != 0)
			back_refuse(s, &offers[i], ret);
		refused |= ret != 0;
	}
	if (refused)
		retry_later(s);
	else
		s->retry_ms = s->retry_after_ms = 0;
}

static bool
all_left(const struct back_client *c)
{
	for (uint16_t i = 0; i < c->queue_count; i++)
		if (!fido_load_acquire(&c->queues[i]->left))
			return false;
	return true;
}

/*
 * Have the workers release the queues of a client that is gone for good: a front-end creates a new
 * link each time it opens a volume. Drop a client whose rings did not fit as well: its offer is
 * refused until there is room.
 */
static void
follow_client(struct back_client *c)
{
	int error = fido_link_error(c->link);

	c->no_room |= error == -ENOSPC || error == -ENOMEM;
	if (c->leaving ||
		(!c->no_room && (fido_link_is_connected(c->link) || fido_link_is_offered(c->link))))
		return;
	if (c->no_room) {
		back_refuse(c->server, &c->offer, error);
		retry_later(c->server);
	}
	fido_link_close(c->link);
	fido_store_release(&c->leaving, 1);
	wake_workers(c->server);
}

void
back_clients_follow(struct blk_server *s)
{
	for (struct back_client **p = &s->clients; *p != NULL;) {
		struct back_client *c = *p;

		follow_client(c);
		if (c->leaving && all_left(c)) {
			*p = c->next;
			s->client_count--;
			if (!c->no_room)
				s->retry_ms = 0;
			back_client_destroy(c);
			continue;
		}
		p = &c->next;
	}
}
