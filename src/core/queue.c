/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Create and free the two ends of a queue. Post, reap, poll and complete are inline functions in
 * <fido/sender.h> and <fido/receiver.h>.
 */

#include <stdlib.h>

#include "queue_private.h"

/* Stands for the peer's `armed` and `sleeps` until the peer's part is attached: it never sleeps. */
static const uint32_t never;

int
fido_sender_create(struct fido_sender **out, struct fido_sender_shm *shm, uint32_t n,
	uint64_t queue_id)
{
	struct fido_sender *s;

	if (!fido_ring_size_valid(n))
		return -EINVAL;
	s = calloc(1, sizeof(*s));
	if (s == NULL)
		return -ENOMEM;
	s->free_ticket = malloc(n * sizeof(*s->free_ticket));
	s->cookie = calloc(n, sizeof(*s->cookie));
	s->posted = calloc(n, sizeof(*s->posted));
	if (s->free_ticket == NULL || s->cookie == NULL || s->posted == NULL) {
		fido_sender_destroy(s);
		return -ENOMEM;
	}
	for (uint32_t i = 0; i < n; i++)
		s->free_ticket[i] = (uint16_t)i;
	s->free_put = n;
	s->mask = n - 1;
	s->shift = (uint32_t)__builtin_ctz(n);
	s->desc = shm->desc;
	s->peer_armed = &never;
	s->peer_sleeps = &never;
	s->queue_id = queue_id;
	s->shm = shm;
	fido_store_relaxed(&shm->size, n);
	fido_store_relaxed(&shm->queue_id, queue_id);
	*out = s;
	return 0;
}

void
fido_sender_attach(struct fido_sender *s, const struct fido_receiver_shm *peer)
{
	s->comp = peer->comp;
	s->peer_armed = &peer->armed;
	s->peer_sleeps = &peer->sleeps;
	s->peer_shm = peer;
}

void
fido_sender_destroy(struct fido_sender *s)
{
	if (s == NULL)
		return;
	free(s->free_ticket);
	free(s->cookie);
	free(s->posted);
	free(s);
}

unsigned int
fido_sender_recall(struct fido_sender *s, void **cookies, unsigned int max)
{
	unsigned int n = 0;

	for (uint32_t t = 0; t <= s->mask && n < max; t++) {
		if (s->cookie[t] == NULL || s->posted[t].at != UINT64_MAX)
			continue;
		cookies[n++] = s->cookie[t];
		s->cookie[t] = NULL;
		s->free_ticket[s->free_put++ & s->mask] = (uint16_t)t;
	}
	return n;
}

int
fido_receiver_create(struct fido_receiver **out, struct fido_receiver_shm *shm,
	const struct fido_sender_shm *peer, uint32_t n, const struct fido_map *map)
{
	struct fido_receiver *r;

	if (!fido_ring_size_valid(n))
		return -EINVAL;
	r = calloc(1, sizeof(*r));
	if (r == NULL)
		return -ENOMEM;
	r->held = calloc(n, sizeof(*r->held));
	/* At least one ticket per batch on average, so that fido_receiver_keep_times(), which
	 * visits all tickets, costs one step per batch. */
	r->batch_mask = (n < FIDO_BATCHES_MAX ? n : FIDO_BATCHES_MAX) - 1;
	r->polled_at = calloc(r->batch_mask + 1, sizeof(*r->polled_at));
	r->old_at = calloc(n, sizeof(*r->old_at));
	if (r->held == NULL || r->polled_at == NULL || r->old_at == NULL) {
		fido_receiver_destroy(r);
		return -ENOMEM;
	}
	r->polled_at[0] = UINT64_MAX;
	r->mask = n - 1;
	r->shift = (uint32_t)__builtin_ctz(n);
	r->desc = peer->desc;
	r->peer_armed = &peer->armed;
	r->peer_sleeps = &peer->sleeps;
	r->peer_shm = peer;
	r->comp = shm->comp;
	r->map = map;
	r->shm = shm;
	r->queue_id = fido_load_relaxed(&peer->queue_id);
	fido_store_relaxed(&shm->size, n);
	fido_store_relaxed(&shm->queue_id, r->queue_id);
	*out = r;
	return 0;
}

void
fido_receiver_destroy(struct fido_receiver *r)
{
	if (r == NULL)
		return;
	free(r->held);
	free(r->polled_at);
	free(r->old_at);
	free(r);
}

void
fido_receiver_keep_times(struct fido_receiver *r)
{
	for (uint32_t t = 0; t <= r->mask && r->held_count != 0; t++) {
		if (r->held[t] == 0)
			continue;
		r->old_at[t] = fido_receiver_polled_at(r, t);
		r->held[t] |= (uint64_t)FIDO_BATCH_OLD << FIDO_GADDR_BITS;
	}
}
