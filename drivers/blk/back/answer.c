/* SPDX-License-Identifier: BSD-3-Clause */
/* Answers of a queue: publish lent memory, complete commands, take lent memory back. */

#include "counters.h"
#include "queue.h"

static void
take_back(struct back_queue *q, void *lent)
{
	const struct blk_store_ops *ops;

	if (back_request_is_info(lent))
		return;
	ops = q->lent_channel->store->ops;
	if (ops->release != NULL)
		ops->release(q->lent_channel, lent);
	else
		back_buffer_give(q, lent);
}

unsigned int
back_queue_reap(struct back_queue *q)
{
	void *cookies[64];
	unsigned int n = fido_txq_reap(q->txq, cookies, 64), lent = 0;

	for (unsigned int i = 0; i < n; i++) {
		take_back(q, cookies[i]);
		lent += !back_request_is_info(cookies[i]);
	}
	if (lent != 0)
		back_counters_returned(q, lent);
	return n;
}

/* The answer cannot be sent: take its memory back. */
static void
keep_memory(struct back_queue *q, struct back_request *r)
{
	for (uint32_t i = 0; i < r->io.iovcnt; i++)
		take_back(q, r->io.lent[i]);
	r->has_memory = false;
	r->buffer = NULL;
	r->status = FIDO_STATUS_CLOSED;
}

/* A read that failed lends nothing: free its buffer. */
static void
drop_buffer(struct back_queue *q, struct back_request *r)
{
	if (r->buffer != NULL && !r->has_memory)
		back_buffer_give(q, r->buffer);
	r->buffer = NULL;
}

/* The txq's lock is held. @return 1: put, 0: ring full, -1: the front-end no longer waits for it */
static int
put_memory(struct back_queue *q, struct fido_post_cursor *c, struct fido_tx_burst *b,
	const struct back_request *r)
{
	const struct fido_sender *s = q->txq->sender;
	uint16_t tag = (uint16_t)(r->tickets[0] << FIDO_DESC_USER_SHIFT);
	uint64_t gaddr[FIDO_BLK_LENT_MAX];

	if (!q->txq->open || s == NULL || s->queue_id != q->tx_queue_id ||
		r->receiver->queue_id != q->rx_queue_id || r->tickets[0] >= BLK_RING_MAX)
		return -1;
	for (uint32_t i = 0; i < r->io.iovcnt; i++)
		if (fido_txq_gaddr(q->txq, r->io.iov[i].iov_base, (uint32_t)r->io.iov[i].iov_len,
			    &gaddr[i]) == FIDO_REACH_NONE)
			return -1;
	if (fido_post_room(c, s) < r->io.iovcnt)
		return r->io.iovcnt > s->mask + 1 ? -1 : 0;
	for (uint32_t i = 0; i < r->io.iovcnt; i++)
		fido_post_put(c, gaddr[i], (uint32_t)r->io.iov[i].iov_len,
			(uint16_t)(tag | (i + 1 < r->io.iovcnt ? FIDO_DESC_CHAINED : 0)),
			r->io.lent[i]);
	b->own++;
	b->descriptors += r->io.iovcnt;
	b->bytes += r->op == BLK_OP_OPEN ? sizeof(struct blk_info_shm) : r->io.length;
	if (r->op != BLK_OP_OPEN)
		fido_counter_add(&q->count->lent, r->io.iovcnt);
	return 1;
}

/*
 * Publish the memory of finished requests while the ring has room.
 * @param out gets the requests that can now be completed
 */
static void
send_memory(struct back_queue *q, struct back_requests *out)
{
	struct fido_tx_burst b = {0};
	struct fido_post_cursor c = {0};

	fido_lock_take(&q->txq->lock);
	if (q->txq->sender != NULL)
		c = fido_post_begin(q->txq->sender);
	while (!STAILQ_EMPTY(&q->done)) {
		struct back_request *r = STAILQ_FIRST(&q->done);
		int put = r->has_memory ? put_memory(q, &c, &b, r) : 1;

		if (put == 0) {
			fido_counter_add(&q->count->waits, 1);
			break;
		}
		if (put < 0)
			keep_memory(q, r);
		STAILQ_REMOVE_HEAD(&q->done, next);
		STAILQ_INSERT_TAIL(out, r, next);
	}
	if (b.descriptors != 0) {
		fido_post_end(q->txq->sender, &c);
		fido_txq_publish(q->txq, &b);
	}
	fido_lock_release(&q->txq->lock);
}

static void
count(struct back_queue *q, const struct back_request *r)
{
	struct fido_blk_counters_shm *c = q->count;

	if (r->op >= sizeof(c->requests) / sizeof(c->requests[0]))
		return;
	fido_counter_add(&c->requests[r->op], 1);
	if (r->status != FIDO_STATUS_OK)
		fido_counter_add(&c->errors, 1);
	else if (r->op == FIDO_BLK_READ)
		fido_counter_add(&c->read_bytes, r->io.length);
	else if (r->op == FIDO_BLK_WRITE)
		fido_counter_add(&c->write_bytes, r->io.length);
}

static void
complete_tickets(struct back_queue *q, const struct back_requests *list)
{
	struct fido_receiver *last = STAILQ_FIRST(list)->receiver;
	const struct back_request *r;
	uint64_t n = 0;

	fido_lock_take(&q->rxq->lock);
	for (r = STAILQ_FIRST(list); r != NULL; r = STAILQ_NEXT(r, next)) {
		if (last != r->receiver)
			fido_rxq_flush(q->rxq, last);
		last = r->receiver;
		for (uint32_t i = 0; i < r->ticket_count; i++)
			fido_receiver_complete(r->receiver, r->tickets[i], r->status);
		n += r->ticket_count;
	}
	fido_rxq_flush(q->rxq, last);
	fido_counter_add(&q->rxq->stats->completed, n);
	fido_lock_release(&q->rxq->lock);
}

void
back_queue_answer(struct back_queue *q)
{
	struct back_requests list = STAILQ_HEAD_INITIALIZER(list);
	struct back_request *r;

	send_memory(q, &list);
	if (STAILQ_EMPTY(&list))
		return;
	complete_tickets(q, &list);
	while ((r = STAILQ_FIRST(&list)) != NULL) {
		STAILQ_REMOVE_HEAD(&list, next);
		count(q, r);
		drop_buffer(q, r);
		back_request_free(q, r);
	}
	fido_store_relaxed(&q->count->in_flight, q->in_flight);
}
