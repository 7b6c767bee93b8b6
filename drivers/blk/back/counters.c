/* SPDX-License-Identifier: BSD-3-Clause */
/* Counters of queues. */

#include "counters.h"

#include <string.h>

#include "client.h"
#include "server_private.h"
#include "volume.h"

static struct fido_blk_queue_shm *
find_place(struct blk_server *s)
{
	for (unsigned int i = 0; i < BACK_QUEUES_SHOWN; i++)
		if (fido_load_relaxed(&s->queue_shm[i].used) == 0)
			return &s->queue_shm[i];
	return NULL;
}

void
back_counters_show(struct back_queue *q)
{
	struct fido_blk_queue_shm *shm = find_place(q->client->server);

	q->count = &q->counters;
	memset(&q->counters, 0, sizeof(q->counters));
	q->shm = shm;
	if (shm == NULL)
		return;
	memset(&shm->counters, 0, sizeof(shm->counters));
	memcpy(shm->client, q->client->peer, sizeof(shm->client));
	shm->volume = q->volume->index;
	shm->queue = q->index;
	q->count = &shm->counters;
	fido_store_release(&shm->used, 1);
}

void
back_counters_hide(struct back_queue *q)
{
	struct fido_blk_counters_shm *all = &q->volume->shm->closed, *c = q->count;

	for (size_t i = 0; i < sizeof(c->requests) / sizeof(c->requests[0]); i++)
		fido_counter_add(&all->requests[i], c->requests[i]);
	fido_counter_add(&all->errors, c->errors);
	fido_counter_add(&all->bad, c->bad);
	fido_counter_add(&all->read_bytes, c->read_bytes);
	fido_counter_add(&all->write_bytes, c->write_bytes);
	fido_counter_add(&all->lent, c->lent);
	fido_counter_add(&all->returned, c->returned);
	fido_counter_add(&all->waits, c->waits);
	if (q->shm != NULL)
		fido_store_release(&q->shm->used, 0);
	memset(&q->counters, 0, sizeof(q->counters));
	q->shm = NULL;
	q->count = &q->counters;
}

void
back_counters_returned(struct back_queue *q, unsigned int n)
{
	if (q->volume != NULL || q->lent_volume == NULL) {
		fido_counter_add(&q->count->returned, n);
		return;
	}
	/* The queue is closed: count in the volume. */
	pthread_mutex_lock(&q->client->server->lock);
	fido_counter_add(&q->lent_volume->shm->closed.returned, n);
	pthread_mutex_unlock(&q->client->server->lock);
}
