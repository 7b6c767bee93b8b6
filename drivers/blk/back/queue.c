/* SPDX-License-Identifier: BSD-3-Clause */
/* A queue: create, destroy, poll commands, start requests. */

#include "queue.h"

#include <errno.h>
#include <stdlib.h>

#include "client.h"
#include "command.h"
#include "volume.h"

#define PAGE 4096u

/* ---- life ---- */

int
back_queue_create(struct back_client *client, uint16_t index, uint32_t requests,
	struct back_queue **out)
{
	struct back_queue *q = calloc(1, sizeof(*q));

	if (q == NULL)
		return -ENOMEM;
	q->requests = calloc(requests, sizeof(*q->requests));
	if (q->requests == NULL) {
		free(q);
		return -ENOMEM;
	}
	q->client = client;
	q->index = index;
	q->request_count = requests;
	q->count = &q->counters;
	STAILQ_INIT(&q->free);
	STAILQ_INIT(&q->done);
	STAILQ_INIT(&q->starved);
	for (uint32_t i = 0; i < requests; i++) {
		struct back_request *r = &q->requests[i];

		r->queue = q;
		r->tickets = r->tickets_few;
		STAILQ_INSERT_HEAD(&q->free, r, next);
	}
	*out = q;
	return 0;
}

void
back_queue_destroy(struct back_queue *q)
{
	if (q == NULL)
		return;
	free(q->requests);
	free(q);
}

bool
back_queue_idle(const struct back_queue *q)
{
	return q->in_flight == 0 && STAILQ_EMPTY(&q->done) && q->opening == NULL;
}

/* ---- starting requests ---- */

/* Get memory to read into. @return 0, -EAGAIN: none is free now, -ENOMEM */
static int
prepare_read(struct back_queue *q, struct back_request *r)
{
	if (q->channel->store->ops->release != NULL) {
		bool room = r->io.length <= (BACK_FEW - 1) * PAGE || back_request_grow(q, r);

		return room ? 0 : -ENOMEM;
	}
	r->buffer = back_buffer_take(q, r->io.length);
	if (r->buffer == NULL)
		return -EAGAIN;
	r->io.iov[0] = (struct iovec){r->buffer, r->io.length};
	r->io.iovcnt = 1;
	r->io.lent[0] = r->buffer;
	return 0;
}

/* @return false: the request has to wait for memory */
static bool
start(struct back_queue *q, struct back_request *r)
{
	int ret = r->op == FIDO_BLK_READ ? prepare_read(q, r) : 0;

	if (ret == -EAGAIN)
		return false;
	if (ret != 0)
		back_request_done(r, BLK_STATUS_ERRNO(-ret));
	else
		q->channel->store->ops->submit(q->channel, &r->io);
	return true;
}

static void
keep_open(struct back_queue *q, struct back_request *r)
{
	/* An earlier OPEN still waits: its session is over, or the client is faulty. */
	if (q->opening != NULL)
		back_request_done(q->opening, FIDO_STATUS_DROPPED);
	/* The worker calls back_open_retry() after it has started all commands of this burst. */
	q->opening = r;
}

static void
begin(struct back_queue *q, struct back_request *r)
{
	int ret;

	if (r->op == BLK_OP_OPEN) {
		if (r->status == FIDO_STATUS_OK)
			keep_open(q, r);
		else
			back_request_done(r, r->status);
		return;
	}
	if (q->volume == NULL || r->receiver->queue_id != q->rx_queue_id) {
		back_request_done(r, BLK_STATUS_NOT_OPEN);
		return;
	}
	ret = r->status == FIDO_STATUS_OK ? back_command_check(&q->volume->store->info, r) : 0;
	if (ret != 0)
		r->status = BLK_STATUS_ERRNO(-ret);
	if (r->status != FIDO_STATUS_OK) {
		fido_counter_add(&q->count->bad, 1);
		back_request_done(r, r->status);
		return;
	}
	r->counted = true;
	q->in_flight++;
	/* Reads do not overtake one that waits, or it would starve. */
	if ((r->op == FIDO_BLK_READ && !STAILQ_EMPTY(&q->starved)) || !start(q, r)) {
		fido_counter_add(&q->count->waits, 1);
		STAILQ_INSERT_TAIL(&q->starved, r, next);
	}
}

/*
 * The client is gone or has new rings. Memory lent to a dead client may come back only after this
 * domain has released everything that the client sent (recall.c). A request that waits for that
 * memory would wait forever, and block the worker's other clients.
 */
static void
give_up_waiting(struct back_queue *q)
{
	struct back_request *r;

	while ((r = STAILQ_FIRST(&q->starved)) != NULL) {
		STAILQ_REMOVE_HEAD(&q->starved, next);
		back_request_done(r, FIDO_STATUS_CLOSED);
	}
	for (uint32_t i = 0; i < q->request_count; i++)
		q->requests[i].io.abandoned = true;
}

void
back_queue_retry(struct back_queue *q)
{
	if (q->in_flight != 0 &&
		(fido_load_relaxed(&q->client->downs) != q->downs ||
			fido_load_acquire(&q->client->leaving)))
		give_up_waiting(q);
	while (!STAILQ_EMPTY(&q->starved)) {
		struct back_request *r = STAILQ_FIRST(&q->starved);

		STAILQ_REMOVE_HEAD(&q->starved, next);
		if (start(q, r))
			continue;
		STAILQ_INSERT_HEAD(&q->starved, r, next);
		return;
	}
}

unsigned int
back_queue_poll(struct back_queue *q)
{
	struct back_request *burst[BACK_BURST];
	unsigned int n = 0;
	bool broken = false;

	if (!fido_lock_try(&q->rxq->lock))
		return 0;
	for (uint16_t i = 0; i < q->rxq->count && n < BACK_BURST; i++) {
		struct fido_receiver *rx = q->rxq->receivers[i];

		n += back_command_poll(q, rx, burst + n, BACK_BURST - n);
		broken |= rx->broken;
	}
	fido_lock_release(&q->rxq->lock);
	if (broken)
		fido_link_kick(q->client->link);
	for (unsigned int i = 0; i < n; i++)
		begin(q, burst[i]);
	if (n != 0)
		fido_store_relaxed(&q->count->in_flight, q->in_flight);
	return n;
}
