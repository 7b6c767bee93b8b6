/* SPDX-License-Identifier: BSD-3-Clause */
/* Post commands. */

#include <string.h>

#include "front.h"

struct message {
	unsigned int count; /* pieces of memory */
	uint64_t gaddr[FIDO_BLK_SEGMENTS_MAX];
	uint32_t len[FIDO_BLK_SEGMENTS_MAX];
};

/* Find the addresses of a write's memory. @return false: the backend cannot read all of it */
static bool
find_memory(struct fido_blk_queue *q, const struct request *r, struct message *m)
{
	m->count = 0;
	for (unsigned int i = 0; i < r->iovcnt; i++) {
		if (r->iov[i].iov_len == 0)
			continue;
		m->len[m->count] = (uint32_t)r->iov[i].iov_len;
		if (fido_txq_gaddr(q->txq, r->iov[i].iov_base, m->len[m->count],
			    &m->gaddr[m->count]) == FIDO_REACH_NONE)
			return false;
		m->count++;
	}
	return true;
}

static void
copy_memory(struct fido_blk_queue *q, struct request *r)
{
	char *to = r->bounce;

	for (unsigned int i = 0; i < r->iovcnt; i++) {
		if (r->iov[i].iov_len == 0)
			continue;
		memcpy(to, r->iov[i].iov_base, r->iov[i].iov_len);
		to += r->iov[i].iov_len;
	}
	q->stats.copied_writes++;
}

/* @return false: the data must be copied, and no bounce memory is free now */
static bool
prepare_write(struct fido_blk_queue *q, struct request *r, struct message *m)
{
	if (r->bounce == NULL && find_memory(q, r, m))
		return true;
	if (r->bounce == NULL) {
		r->bounce = blk_buffers_alloc(q->bounce, r->length);
		if (r->bounce == NULL)
			return false;
		copy_memory(q, r);
	}
	m->count = 1;
	m->len[0] = (uint32_t)r->length;
	return fido_txq_gaddr(q->txq, r->bounce, m->len[0], &m->gaddr[0]) != FIDO_REACH_NONE;
}

static void
put_message(struct fido_blk_queue *q, struct fido_post_cursor *c, struct fido_tx_burst *b,
	struct request *r, const struct message *m)
{
	uint16_t flags = blk_command_flags(r->op, r->flags & FIDO_BLK_FUA ? BLK_FLAG_FUA : 0);
	uint32_t len = (uint32_t)(blk_op_in_sectors(r->op) ? r->length / BLK_SECTOR : r->length);
	void *cookie = front_cookie(q, r->seq, r->index + 1u);

	r->ticket = fido_post_next_ticket(c);
	q->by_ticket[r->ticket] = r->op == FIDO_BLK_READ ? (uint16_t)(r->index + 1) : 0;
	fido_post_put(c, r->offset / BLK_SECTOR, len,
		(uint16_t)(flags | (m->count != 0 ? FIDO_DESC_CHAINED : 0)), cookie);
	for (unsigned int i = 0; i < m->count; i++) {
		fido_post_put(c, m->gaddr[i], m->len[i], i + 1 < m->count ? FIDO_DESC_CHAINED : 0,
			cookie);
		b->bytes += m->len[i];
	}
	r->tickets_out += 1 + m->count;
	r->names_caller |= m->count != 0 && r->bounce == NULL;
	b->descriptors += 1 + m->count;
	b->own++;
}

/* The queue's lock is held; the rings are those of the session. @return false: not now */
static bool
send_one(struct fido_blk_queue *q, struct fido_post_cursor *c, struct fido_tx_burst *b,
	struct request *r)
{
	struct message m;

	m.count = 0;
	if (fido_post_room(c, q->txq->sender) < (r->op == FIDO_BLK_WRITE ? 1 + r->iovcnt : 1)) {
		fido_counter_add(&q->txq->stats->ring_full, 1);
		return false;
	}
	if (r->op == FIDO_BLK_WRITE && !prepare_write(q, r, &m))
		return false;
	put_message(q, c, b, r, &m);
	return true;
}

static bool
in_session(const struct fido_blk_queue *q)
{
	return q->txq->open && q->txq->sender != NULL && q->txq->sender->queue_id == q->session;
}

/* The queue's lock is held; the rings are those of the session. */
static void
send_waiting(struct fido_blk_queue *q)
{
	struct fido_post_cursor c = fido_post_begin(q->txq->sender);
	struct fido_tx_burst b = {0};
	struct request *r;

	while ((r = STAILQ_FIRST(&q->waiting)) != NULL && send_one(q, &c, &b, r)) {
		STAILQ_REMOVE_HEAD(&q->waiting, next);
		r->state = REQUEST_SENT;
	}
	fido_post_end(q->txq->sender, &c);
	if (b.descriptors != 0)
		fido_txq_publish(q->txq, &b);
}

void
blk_front_send(struct fido_blk_queue *q)
{
	if (STAILQ_EMPTY(&q->waiting) || q->state != SESSION_OPEN)
		return;
	fido_lock_take(&q->txq->lock);
	if (in_session(q))
		send_waiting(q);
	fido_lock_release(&q->txq->lock);
}

bool
blk_front_send_open(struct fido_blk_queue *q)
{
	const struct fido_blk *blk = q->blk;
	struct fido_sender *s;
	uint64_t gaddr;
	bool sent = false;

	*q->open_shm = (struct blk_open_shm){.magic = BLK_MAGIC,
		.version = BLK_VERSION,
		.session = blk->client,
		.flags = (blk->config.read_only ? BLK_OPEN_READ_ONLY : 0) |
			(blk->config.exclusive ? BLK_OPEN_EXCLUSIVE : 0)};
	memcpy(q->open_shm->volume, blk->volume, sizeof(q->open_shm->volume));
	fido_lock_take(&q->txq->lock);
	s = q->txq->sender;
	if (in_session(q) && fido_sender_room(s) != 0 &&
		fido_txq_gaddr(q->txq, q->open_shm, sizeof(*q->open_shm), &gaddr) !=
			FIDO_REACH_NONE) {
		q->open_ticket = fido_sender_next_ticket(s);
		q->by_ticket[q->open_ticket] = COOKIE_OPEN;
		fido_sender_put(s, gaddr, sizeof(*q->open_shm),
			(uint16_t)(BLK_OP_OPEN << FIDO_DESC_USER_SHIFT),
			front_cookie(q, 0, COOKIE_OPEN));
		fido_txq_publish(q->txq, &(struct fido_tx_burst){.own = 1, .descriptors = 1});
		sent = true;
	}
	fido_lock_release(&q->txq->lock);
	return sent;
}
