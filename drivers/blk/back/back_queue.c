/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A queue of the backend: polls commands, checks them, hands them to the store, answers them.
 *
 * Whatever a front-end writes is read once and checked here: the command in read_command() and check(), its memory's addresses by
 * fido_map_ptr() (in fido_receiver_next()). What makes no sense is answered with an error, and that is all.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "back.h"

/* What is lent of the server's own, which is never freed. */
static char info_token;
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

/* ---- requests ---- */

static void
request_reset(struct back_request *r)
{
	r->io = (struct blk_io){.iov = r->iov_few, .lent = r->lent_few};
	r->tickets = r->tickets_few;
	r->ticket_count = 0;
	r->status = FIDO_STATUS_OK;
	r->counted = false;
	r->has_memory = false;
	r->buffer = NULL;
}

static void
request_free(struct back_queue *q, struct back_request *r)
{
	if (r->pieces != NULL) {
		r->pieces->next = q->worker->pieces;
		q->worker->pieces = r->pieces;
		r->pieces = NULL;
	}
	if (r->counted)
		q->in_flight--;
	STAILQ_INSERT_HEAD(&q->free, r, next);
}

/* Have room for as many pieces as there can be. @return false: no memory */
static bool
request_grow(struct back_queue *q, struct back_request *r)
{
	struct back_pieces *p = q->worker->pieces;

	if (r->pieces != NULL)
		return true;
	if (p != NULL)
		q->worker->pieces = p->next;
	else
		p = malloc(sizeof(*p));
	if (p == NULL)
		return false;
	memcpy(p->tickets, r->tickets, r->ticket_count * sizeof(p->tickets[0]));
	memcpy(p->iov, r->io.iov, r->io.iovcnt * sizeof(p->iov[0]));
	r->tickets = p->tickets;
	r->io.iov = p->iov;
	r->io.lent = p->lent;
	r->pieces = p;
	return true;
}

void
back_request_done(struct back_request *r, uint16_t status)
{
	struct back_queue *q = r->queue;

	r->status = status;
	STAILQ_INSERT_TAIL(&q->done, r, next);
	if (!q->dirty) {
		q->dirty = true;
		q->next_dirty = q->worker->dirty;
		q->worker->dirty = q;
	}
}

void
blk_io_done(struct blk_io *io, int error)
{
	struct back_request *r = (struct back_request *)io;

	r->has_memory = error == 0 && r->io.op == FIDO_BLK_READ;
	back_request_done(r, error == 0 ? FIDO_STATUS_OK : BLK_STATUS_ERRNO(-error));
}

/* ---- reading a message ---- */

/* A descriptor of a command: what it says, not yet whether it can be. */
static void
read_command(struct back_request *r, const struct fido_desc *d)
{
	unsigned int said = (unsigned int)d->flags >> FIDO_DESC_USER_SHIFT;

	request_reset(r);
	r->tickets[r->ticket_count++] = d->ticket;
	r->op = said & BLK_OP_MASK;
	r->io.op = (enum fido_blk_op)r->op;
	r->io.fua = said & BLK_FLAG_FUA;
	if (said & ~(BLK_OP_MASK | BLK_FLAG_FUA))
		r->status = BLK_STATUS_ERRNO(EINVAL);
	if (r->op == BLK_OP_OPEN) {
		if (d->data == NULL || (d->flags & FIDO_DESC_INLINE) || d->len < sizeof(r->open) ||
			d->gaddr % 8 != 0)
			r->status = BLK_STATUS_ERRNO(EINVAL);
		else
			memcpy(&r->open, d->data, sizeof(r->open));
		return;
	}
	if (!(d->flags & FIDO_DESC_INLINE))
		r->status = BLK_STATUS_ERRNO(EINVAL);
	r->io.offset = d->gaddr * BLK_SECTOR;
	r->io.length = blk_op_in_sectors(r->op) ? (uint64_t)d->len * BLK_SECTOR : d->len;
}

/* Memory to write from. @return false: there is no place for it */
static bool
read_piece(struct back_queue *q, struct back_request *r, const struct fido_desc *d)
{
	if (r->ticket_count > BACK_FEW && !request_grow(q, r))
		return false;
	if (r->ticket_count > FIDO_BLK_SEGMENTS_MAX)
		return false;
	r->tickets[r->ticket_count++] = d->ticket;
	if (d->data == NULL || (d->flags & FIDO_DESC_INLINE))
		r->status = FIDO_STATUS_BAD_ADDRESS;
	else if (d->len != 0)
		r->io.iov[r->io.iovcnt++] = (struct iovec){(void *)(uintptr_t)d->data, d->len};
	return true;
}

/* The rxq's lock is held. @return descriptors read, d is the first of them */
static uint32_t
read_message(struct back_queue *q, struct fido_receiver *rx, struct back_request *r,
	struct fido_desc d)
{
	uint32_t n = 1;

	r->receiver = rx;
	read_command(r, &d);
	while (d.flags & FIDO_DESC_CHAINED) {
		/* A message is published whole, and is no longer than the ring. */
		if (n > rx->mask || fido_receiver_next(rx, &d) != 1) {
			rx->broken = true;
			r->status = BLK_STATUS_ERRNO(EPROTO);
			break;
		}
		n++;
		if (!read_piece(q, r, &d)) {
			r->status = BLK_STATUS_ERRNO(E2BIG);
			fido_receiver_complete(rx, d.ticket, r->status);
		}
	}
	fido_counter_add(&q->rxq->stats->polled, n);
	fido_counter_add(&q->rxq->stats->completed, n - r->ticket_count);
	fido_counter_add(&q->rxq->stats->packets, 1);
	fido_counter_add(&q->rxq->stats->zero_copy, 1);
	return n;
}

static unsigned int
poll_receiver(struct back_queue *q, struct fido_receiver *rx, struct back_request **burst,
	unsigned int max)
{
	unsigned int n = 0;
	struct fido_desc d;

	while (n < max && !STAILQ_EMPTY(&q->free) && fido_receiver_next(rx, &d) == 1) {
		struct back_request *r = STAILQ_FIRST(&q->free);

		STAILQ_REMOVE_HEAD(&q->free, next);
		read_message(q, rx, r, d);
		burst[n++] = r;
	}
	if (n != 0)
		fido_receiver_stamp(rx);
	return n;
}

/* ---- beginning a request ---- */

static uint64_t
bytes_of(const struct blk_io *io)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < io->iovcnt; i++)
		sum += io->iov[i].iov_len;
	return sum;
}

/* What an operation must be able to do. @return FIDO_BLK_CAN_*, or UINT32_MAX: there is no such operation */
static uint32_t
needs(const struct back_request *r)
{
	switch (r->op) {
	case FIDO_BLK_READ:
	case FIDO_BLK_FLUSH:
		return 0;
	case FIDO_BLK_WRITE:
		return FIDO_BLK_CAN_WRITE | (r->io.fua ? FIDO_BLK_CAN_FUA : 0);
	case FIDO_BLK_DISCARD:
		return FIDO_BLK_CAN_WRITE | FIDO_BLK_CAN_DISCARD;
	case FIDO_BLK_WRITE_ZEROES:
		return FIDO_BLK_CAN_WRITE | FIDO_BLK_CAN_WRITE_ZEROES;
	default:
		return UINT32_MAX;
	}
}

static int
check_extent(const struct fido_blk_info *info, const struct back_request *r)
{
	const struct blk_io *io = &r->io;
	bool transfer = r->op == FIDO_BLK_READ || r->op == FIDO_BLK_WRITE;

	if (r->op == FIDO_BLK_FLUSH)
		return 0;
	if (io->length == 0 || (io->offset | io->length) & (info->block_size - 1) ||
		(transfer && io->length > info->max_transfer))
		return -EINVAL;
	return io->offset >= info->size || io->length > info->size - io->offset ? -ERANGE : 0;
}

/* @return 0 or -errno */
static int
check(const struct fido_blk_info *info, const struct back_request *r)
{
	uint32_t need = needs(r);
	int ret;

	if (need == UINT32_MAX)
		return -EINVAL;
	if ((need & FIDO_BLK_CAN_WRITE) && !(info->features & FIDO_BLK_CAN_WRITE))
		return -EROFS;
	if ((info->features & need) != need)
		return -EOPNOTSUPP;
	ret = check_extent(info, r);
	if (ret != 0)
		return ret;
	if (bytes_of(&r->io) != (r->op == FIDO_BLK_WRITE ? r->io.length : 0))
		return -EINVAL;
	return r->io.iovcnt > info->max_segments ? -E2BIG : 0;
}

/*
 * No queue has more of the worker's buffers than are free beside, so one whose client keeps all that it was lent leaves some
 * for the others: one such queue gets half of them, two a third each. A first one it always gets.
 */
static bool
may_have(const struct back_queue *q, size_t len)
{
	const struct blk_buffers *b = q->worker->buffers;

	return q->buffered == 0 || q->buffered + len <= blk_buffers_size(b) - blk_buffers_used(b);
}

/* @return NULL: not now */
static void *
buffer_take(struct back_queue *q, size_t len)
{
	size_t used = blk_buffers_used(q->worker->buffers);
	void *buffer = may_have(q, len) ? blk_buffers_alloc(q->worker->buffers, len) : NULL;

	q->buffered += blk_buffers_used(q->worker->buffers) - used;
	return buffer;
}

static void
buffer_give(struct back_queue *q, void *buffer)
{
	size_t used = blk_buffers_used(q->worker->buffers);

	blk_buffers_free(q->worker->buffers, buffer);
	q->buffered -= used - blk_buffers_used(q->worker->buffers);
}

/* Memory for what is read. @return 0, -EAGAIN: none is free now, -ENOMEM */
static int
prepare_read(struct back_queue *q, struct back_request *r)
{
	if (q->channel->store->ops->release != NULL)
		return r->io.length <= (BACK_FEW - 1) * PAGE || request_grow(q, r) ? 0 : -ENOMEM;
	r->buffer = buffer_take(q, r->io.length);
	if (r->buffer == NULL)
		return -EAGAIN;
	r->io.iov[0] = (struct iovec){r->buffer, r->io.length};
	r->io.iovcnt = 1;
	r->io.lent[0] = r->buffer;
	return 0;
}

/* @return false: it has to wait for memory */
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
begin(struct back_queue *q, struct back_request *r)
{
	int ret;

	if (r->op == BLK_OP_OPEN) {
		if (r->status == FIDO_STATUS_OK)
			back_open(q, r);
		else
			back_request_done(r, r->status);
		return;
	}
	if (q->volume == NULL || r->receiver->queue_id != q->rx_session) {
		back_request_done(r, BLK_STATUS_NOT_OPEN);
		return;
	}
	ret = r->status == FIDO_STATUS_OK ? check(&q->volume->store->info, r) : 0;
	if (ret != 0)
		r->status = BLK_STATUS_ERRNO(-ret);
	if (r->status != FIDO_STATUS_OK) {
		fido_counter_add(&q->count->bad, 1);
		back_request_done(r, r->status);
		return;
	}
	r->counted = true;
	q->in_flight++;
	/* One that waits is not overtaken, or it would wait for ever. */
	if ((r->op == FIDO_BLK_READ && !STAILQ_EMPTY(&q->starved)) || !start(q, r)) {
		fido_counter_add(&q->count->waits, 1);
		STAILQ_INSERT_TAIL(&q->starved, r, next);
	}
}

/*
 * The client has gone, or has new rings. What a dead client was lent may come back only after all that it sent is no longer held
 * here (recall.c): requests that wait for that very memory would wait for ever, and with them the worker's other clients.
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

		n += poll_receiver(q, rx, burst + n, BACK_BURST - n);
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

/* ---- answering ---- */

static void
take_back(struct back_queue *q, void *lent)
{
	const struct blk_store_ops *ops;

	if (lent == &info_token)
		return;
	ops = q->lent_channel->store->ops;
	if (ops->release != NULL)
		ops->release(q->lent_channel, lent);
	else
		buffer_give(q, lent);
}

unsigned int
back_queue_reap(struct back_queue *q)
{
	void *cookies[64];
	unsigned int n = fido_txq_reap(q->txq, cookies, 64), lent = 0;

	for (unsigned int i = 0; i < n; i++) {
		take_back(q, cookies[i]);
		lent += cookies[i] != &info_token;
	}
	if (lent != 0)
		back_count_returned(q, lent);
	return n;
}

/* The memory of the answer will not go anywhere. */
static void
keep_memory(struct back_queue *q, struct back_request *r)
{
	for (uint32_t i = 0; i < r->io.iovcnt; i++)
		take_back(q, r->io.lent[i]);
	r->has_memory = false;
	r->buffer = NULL;
	r->status = FIDO_STATUS_CLOSED;
}

/* Memory that was read goes back to the worker when there was an error. */
static void
drop_buffer(struct back_queue *q, struct back_request *r)
{
	if (r->buffer != NULL && !r->has_memory)
		buffer_give(q, r->buffer);
	r->buffer = NULL;
}

/* @return 1: put, 0: no room now, -1: the front-end does not wait for it any more. The txq's lock is held */
static int
put_memory(struct back_queue *q, struct fido_cursor *c, struct fido_tx_burst *b,
	const struct back_request *r)
{
	const struct fido_sender *s = q->txq->sender;
	uint16_t tag = (uint16_t)(r->tickets[0] << FIDO_DESC_USER_SHIFT);
	uint64_t gaddr[FIDO_BLK_LENT_MAX];

	if (!q->txq->open || s == NULL || s->queue_id != q->tx_session ||
		r->receiver->queue_id != q->rx_session || r->tickets[0] >= BLK_RING_MAX)
		return -1;
	for (uint32_t i = 0; i < r->io.iovcnt; i++)
		if (fido_txq_gaddr(q->txq, r->io.iov[i].iov_base, (uint32_t)r->io.iov[i].iov_len,
			    &gaddr[i]) == FIDO_REACH_NONE)
			return -1;
	if (fido_cursor_room(c, s) < r->io.iovcnt)
		return r->io.iovcnt > s->mask + 1 ? -1 : 0;
	for (uint32_t i = 0; i < r->io.iovcnt; i++)
		fido_cursor_put(c, gaddr[i], (uint32_t)r->io.iov[i].iov_len,
			(uint16_t)(tag | (i + 1 < r->io.iovcnt ? FIDO_DESC_CHAINED : 0)),
			r->io.lent[i]);
	b->own++;
	b->descriptors += r->io.iovcnt;
	b->bytes += r->op == BLK_OP_OPEN ? sizeof(struct blk_info_shm) : r->io.length;
	if (r->op != BLK_OP_OPEN)
		fido_counter_add(&q->count->lent, r->io.iovcnt);
	return 1;
}

/* Publish the memory of what is done, as far as there is room. @param out what can be completed then */
static void
send_memory(struct back_queue *q, struct back_requests *out)
{
	struct fido_tx_burst b = {0};
	struct fido_cursor c = {0};

	fido_lock_take(&q->txq->lock);
	if (q->txq->sender != NULL)
		c = fido_sender_begin(q->txq->sender);
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
		fido_sender_end(q->txq->sender, &c);
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
	STAILQ_FOREACH (r, list, next) {
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
		request_free(q, r);
	}
	fido_store_relaxed(&q->count->in_flight, q->in_flight);
}

void
back_request_lend_info(struct back_request *r, const struct back_volume *v)
{
	r->io.iov[0] = (struct iovec){v->info, sizeof(*v->info)};
	r->io.lent[0] = &info_token;
	r->io.iovcnt = 1;
	r->has_memory = true;
	back_request_done(r, FIDO_STATUS_OK);
}
