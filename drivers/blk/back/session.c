/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Open and close volumes on behalf of a queue.
 *
 * An OPEN waits (queue->opening) until
 *   - the requests of the queue's previous session are done, so that no old write follows a new one
 *   - memory that the queue has lent of another volume is back
 *   - the client's other queues have closed the previous session
 * An exclusive OPEN succeeds when no other client has the volume open.
 */

#include "session.h"

#include <errno.h>
#include <string.h>

#include "client.h"
#include "counters.h"
#include "pool.h"
#include "server_private.h"
#include "volume.h"

/* OPEN has to wait. */
#define WAIT 1
/* Another worker must serve the queue. */
#define MOVED 2

/* ---- who has which volume open ---- */

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

void
back_close(struct back_queue *q)
{
	struct back_client *c = q->client;
	struct blk_server *s = c->server;
	struct back_volume *v = q->volume;

	if (v == NULL)
		return;
	pthread_mutex_lock(&s->lock);
	back_counters_hide(q);
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
		q->downs = downs; /* Up again: a client that noticed sends OPEN. */
}

/* ---- OPEN ---- */

/* @return 0 and *out, or -errno: OPEN is invalid */
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
	v = back_volume_find(s, open->volume);
	if (v == NULL)
		return -ENOENT;
	if (!(open->flags & BLK_OPEN_READ_ONLY) && !(v->store->info.features & FIDO_BLK_CAN_WRITE))
		return -EROFS;
	*out = v;
	return 0;
}

/* Note the pair of rings that this session uses. @return false: there are no rings yet */
static bool
find_session(struct back_queue *q, const struct back_request *r)
{
	bool found = false;

	fido_lock_take(&q->txq->lock);
	if (q->txq->open && q->txq->sender != NULL) {
		q->tx_queue_id = q->txq->sender->queue_id;
		q->rx_queue_id = r->receiver->queue_id;
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
		back_counters_show(q);
	}
	pthread_mutex_unlock(&s->lock);
	return ret;
}

/* @return true when v can be opened without waiting for lent memory */
static bool
lent_fits(struct back_queue *q, const struct back_volume *v)
{
	return q->lent_channel == NULL || (q->lent_channel->store == v->store && v->home == NULL) ||
		(q->lent_channel->store == v->store && v->home == q->worker) ||
		fido_txq_out(q->txq) == 0;
}

/* @return 0: answered, WAIT, MOVED, -errno */
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
	channel = back_pool_channel(q->pool, v->store);
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
	return back_volume_find(q->client->server, r->open.volume)->home;
}

struct back_worker *
back_open_retry(struct back_queue *q)
{
	struct back_request *r = q->opening;
	int ret;

	if (r == NULL)
		return q->worker;
	ret = try_open(q, r);
	if (ret == WAIT)
		return q->worker;
	/* This worker holds nothing of the queue: no request, no lent memory. */
	if (ret == MOVED)
		return home_of(q, r);
	q->opening = NULL;
	if (ret != 0)
		back_request_done(r, BLK_STATUS_ERRNO(-ret));
	return q->worker;
}
