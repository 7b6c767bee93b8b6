/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Opening and closing: which volume a queue serves.
 *
 * OPEN waits (queue->opening) until what the queue's former session began is done, so that nothing old is written after
 * something new; until what it has lent of another volume is back; and until the client's other queues have let go of the
 * former session. A volume that one client wants for itself is given when nobody else has it.
 */

#include <errno.h>
#include <string.h>

#include <fido/log.h>

#include "back.h"

/* OPEN cannot be answered yet. */
#define WAIT 1
/* The queue is another worker's now. */
#define MOVED 2

/* ---- the common part: who has what open ---- */

/* server->lock is held. @return 0, WAIT, -EBUSY */
static int
claim_locked(struct back_client *c, struct back_volume *v, const struct blk_open_shm *open)
{
	bool has = c->openers != 0 && c->volume == v;

	if (c->openers != 0 &&
		(fido_load_relaxed(&c->session) != open->session || c->volume != v)) {
		fido_store_relaxed(&c->session, open->session);
		return WAIT;
	}
	if (v->exclusive != NULL && v->exclusive != c)
		return -EBUSY;
	if ((open->flags & BLK_OPEN_EXCLUSIVE) && v->clients > (has ? 1u : 0u))
		return -EBUSY;
	if (open->flags & BLK_OPEN_EXCLUSIVE)
		v->exclusive = c;
	if (c->openers++ == 0) {
		c->volume = v;
		v->clients++;
	}
	fido_store_relaxed(&c->session, open->session);
	fido_store_relaxed(&v->shm->clients, v->clients);
	fido_store_relaxed(&v->shm->exclusive, v->exclusive != NULL);
	return 0;
}

static struct fido_blk_queue_shm *
find_place(struct blk_server *s)
{
	for (unsigned int i = 0; i < BACK_QUEUES_SHOWN; i++)
		if (fido_load_relaxed(&s->queue_shm[i].used) == 0)
			return &s->queue_shm[i];
	return NULL;
}

/* server->lock is held. From now on fido-ctl shows the queue. */
static void
show_locked(struct back_queue *q)
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

/* server->lock is held. What the queue has counted is kept with the volume. */
static void
hide_locked(struct back_queue *q)
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
back_count_returned(struct back_queue *q, unsigned int n)
{
	if (q->volume != NULL || q->lent_volume == NULL) {
		fido_counter_add(&q->count->returned, n);
		return;
	}
	/* The client has gone; the volume keeps the account. */
	pthread_mutex_lock(&q->client->server->lock);
	fido_counter_add(&q->lent_volume->shm->closed.returned, n);
	pthread_mutex_unlock(&q->client->server->lock);
}

void
back_close(struct back_queue *q)
{
	struct back_client *c = q->client;
	struct blk_server *s = c->server;
	struct back_volume *v = q->volume;

	if (v == NULL)
		return;
	pthread_mutex_lock(&s->lock);
	hide_locked(q);
	if (--c->openers == 0) {
		v->clients--;
		if (v->exclusive == c)
			v->exclusive = NULL;
		c->volume = NULL;
	}
	fido_store_relaxed(&v->shm->clients, v->clients);
	fido_store_relaxed(&v->shm->exclusive, v->exclusive != NULL);
	pthread_mutex_unlock(&s->lock);
	q->volume = NULL;
	q->channel = NULL;
}

void
back_close_if_down(struct back_queue *q)
{
	struct back_client *c = q->client;
	uint32_t downs = fido_load_relaxed(&c->downs);
	bool stale;

	if (q->volume == NULL)
		return;
	stale = q->session != fido_load_relaxed(&c->session);
	if ((!stale && q->downs == downs) || q->in_flight != 0 || !STAILQ_EMPTY(&q->done))
		return;
	if (stale || !fido_link_is_up(c->link))
		back_close(q);
	else
		q->downs = downs; /* It is up again: if the client knows of it, it says OPEN. */
}

/* ---- OPEN ---- */

static struct back_volume *
find_volume(struct blk_server *s, const char *name)
{
	for (unsigned int i = 0; i < s->volume_count; i++)
		if (strncmp(s->volumes[i].name, name, FIDO_BLK_VOLUME_MAX) == 0)
			return &s->volumes[i];
	return NULL;
}

/* @return 0, -errno: what OPEN says is not right */
static int
check_open(struct blk_server *s, const struct blk_open_shm *open, struct back_volume **out)
{
	struct back_volume *v;

	if (open->magic != BLK_MAGIC)
		return -EINVAL;
	if (open->version != BLK_VERSION)
		return -EPROTO;
	if (memchr(open->volume, 0, sizeof(open->volume)) == NULL)
		return -EINVAL;
	v = find_volume(s, open->volume);
	if (v == NULL)
		return -ENOENT;
	if (!(open->flags & BLK_OPEN_READ_ONLY) && !(v->store->info.features & FIDO_BLK_CAN_WRITE))
		return -EROFS;
	*out = v;
	return 0;
}

/* The rings that answers to commands of this receiver go by. @return false: not yet */
static bool
find_session(struct back_queue *q, const struct back_request *r)
{
	bool found = false;

	fido_lock_take(&q->txq->lock);
	if (q->txq->open && q->txq->sender != NULL) {
		q->tx_session = q->txq->sender->queue_id;
		q->rx_session = r->receiver->queue_id;
		found = true;
	}
	fido_lock_release(&q->txq->lock);
	return found;
}

static int
claim(struct back_queue *q, struct back_volume *v, const struct blk_open_shm *open)
{
	struct blk_server *s = q->client->server;
	int ret;

	pthread_mutex_lock(&s->lock);
	ret = claim_locked(q->client, v, open);
	if (ret == 0) {
		q->volume = v;
		q->session = open->session;
		show_locked(q);
	}
	pthread_mutex_unlock(&s->lock);
	return ret;
}

/* @return true when what is lent of before need not come back first */
static bool
lent_fits(struct back_queue *q, const struct back_volume *v)
{
	return q->lent_channel == NULL || (q->lent_channel->store == v->store && v->home == NULL) ||
		(q->lent_channel->store == v->store && v->home == q->worker) ||
		fido_txq_out(q->txq) == 0;
}

/* @return 0: answered well, WAIT, MOVED, -errno */
static int
try_open(struct back_queue *q, struct back_request *r)
{
	struct back_volume *v = NULL;
	struct blk_channel *channel;
	int ret = check_open(q->client->server, &r->open, &v);

	if (ret != 0)
		return ret;
	if (q->in_flight != 0 || !STAILQ_EMPTY(&q->done))
		return WAIT;
	back_close(q);
	if (!lent_fits(q, v))
		return WAIT;
	if (v->home != NULL && v->home != q->worker)
		return MOVED;
	channel = back_worker_channel(q->worker, v->store);
	if (channel == NULL)
		return -EIO;
	if (!find_session(q, r))
		return WAIT;
	q->downs = fido_load_relaxed(&q->client->downs);
	ret = claim(q, v, &r->open);
	if (ret != 0)
		return ret;
	q->channel = channel;
	q->lent_channel = channel;
	q->lent_volume = v;
	back_request_lend_info(r, v);
	return 0;
}

static struct back_worker *
home_of(struct back_queue *q, const struct back_request *r)
{
	return find_volume(q->client->server, r->open.volume)->home;
}

bool
back_open_retry(struct back_queue *q)
{
	struct back_request *r = q->opening;
	int ret;

	if (r == NULL)
		return true;
	ret = try_open(q, r);
	if (ret == WAIT)
		return true;
	if (ret == MOVED) {
		/* Nothing of it is anywhere in this worker: no request, nothing lent. */
		back_worker_give(home_of(q, r), q);
		return false;
	}
	q->opening = NULL;
	if (ret != 0)
		back_request_done(r, BLK_STATUS_ERRNO(-ret));
	return true;
}

void
back_open(struct back_queue *q, struct back_request *r)
{
	/* Another one waits: it is of a session that is over, or of a client that does not know what it does. */
	if (q->opening != NULL)
		back_request_done(q->opening, FIDO_STATUS_DROPPED);
	/* The worker tries it when all that was polled with it has begun. */
	q->opening = r;
}
