/* SPDX-License-Identifier: BSD-3-Clause */
/* Requests and their memory. */

#include "request.h"

#include <stdlib.h>
#include <string.h>

#include "pool.h"
#include "queue.h"
#include "volume.h"

/* Stands for struct blk_info_shm, which is never freed, as a lent piece. */
static char info_token;

void
back_request_reset(struct back_request *r)
{
	r->io = (struct blk_io){.iov = r->iov_few, .lent = r->lent_few};
	r->tickets = r->tickets_few;
	r->ticket_count = 0;
	r->status = FIDO_STATUS_OK;
	r->counted = false;
	r->has_memory = false;
	r->buffer = NULL;
}

void
back_request_free(struct back_queue *q, struct back_request *r)
{
	if (r->pieces != NULL) {
		r->pieces->next = q->pool->pieces;
		q->pool->pieces = r->pieces;
		r->pieces = NULL;
	}
	if (r->counted)
		q->in_flight--;
	STAILQ_INSERT_HEAD(&q->free, r, next);
}

bool
back_request_grow(struct back_queue *q, struct back_request *r)
{
	struct back_pieces *p = q->pool->pieces;

	if (r->pieces != NULL)
		return true;
	if (p != NULL)
		q->pool->pieces = p->next;
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
		q->next_dirty = q->pool->dirty;
		q->pool->dirty = q;
	}
}

void
blk_io_done(struct blk_io *io, int error)
{
	struct back_request *r = (struct back_request *)io;

	r->has_memory = error == 0 && r->io.op == FIDO_BLK_READ;
	back_request_done(r, error == 0 ? FIDO_STATUS_OK : BLK_STATUS_ERRNO(-error));
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

bool
back_request_is_info(const void *lent)
{
	return lent == &info_token;
}

/* ---- buffers ---- */

/*
 * Fairness: a queue may not use more of the pool's buffers than are free. So a queue whose client
 * keeps everything it was lent leaves some for the others: one such queue gets half of the buffers,
 * two get a third each. A queue can always have its first buffer.
 */
static bool
may_have(const struct back_queue *q, size_t len)
{
	const struct blk_buffers *b = q->pool->buffers;

	return q->buffered == 0 || q->buffered + len <= blk_buffers_size(b) - blk_buffers_used(b);
}

void *
back_buffer_take(struct back_queue *q, size_t len)
{
	size_t used = blk_buffers_used(q->pool->buffers);
	void *buffer = may_have(q, len) ? blk_buffers_alloc(q->pool->buffers, len) : NULL;

	q->buffered += blk_buffers_used(q->pool->buffers) - used;
	return buffer;
}

void
back_buffer_give(struct back_queue *q, void *buffer)
{
	size_t used = blk_buffers_used(q->pool->buffers);

	blk_buffers_free(q->pool->buffers, buffer);
	q->buffered -= used - blk_buffers_used(q->pool->buffers);
}
