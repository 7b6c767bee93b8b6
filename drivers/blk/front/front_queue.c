/* SPDX-License-Identifier: BSD-3-Clause */
/* A queue of an open volume: the interface of the application. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "front.h"

/* ---- life ---- */

int
blk_front_queue_create(struct fido_blk *blk, uint16_t index, struct fido_blk_queue **out)
{
	struct fido_blk_queue *q = calloc(1, sizeof(*q));
	int ret = -ENOMEM;

	if (q == NULL)
		return ret;
	q->blk = blk;
	q->index = index;
	q->depth = blk->config.depth;
	STAILQ_INIT(&q->free);
	STAILQ_INIT(&q->waiting);
	STAILQ_INIT(&q->ready);
	q->requests = calloc(q->depth, sizeof(*q->requests));
	q->done = calloc(FRONT_POLL_MAX, sizeof(*q->done));
	q->polled = calloc(FRONT_POLL_MAX, sizeof(*q->polled));
	if (q->requests == NULL || q->done == NULL || q->polled == NULL)
		goto err_destroy;
	ret = blk_buffers_over(&q->bounce,
		(char *)(uintptr_t)blk->bounce->gaddr + index * blk->config.bounce_size,
		blk->config.bounce_size);
	if (ret != 0)
		goto err_destroy;
	q->open_shm = blk_buffers_alloc(q->bounce, sizeof(*q->open_shm));
	for (uint32_t i = q->depth; i-- > 0;) {
		struct request *r = &q->requests[i];

		r->index = (uint16_t)i;
		r->iov = r->iov_few;
		r->rx = r->rx_few;
		STAILQ_INSERT_HEAD(&q->free, r, next);
	}
	*out = q;
	return 0;

err_destroy:
	blk_front_queue_destroy(q);
	return ret;
}

static void
release_memory(struct fido_blk_queue *q, struct request *r)
{
	if (r->iov != r->iov_few)
		free(r->iov);
	r->iov = r->iov_few;
	if (r->rx != r->rx_few)
		free(r->rx);
	r->rx = r->rx_few;
	if (r->bounce != NULL)
		blk_buffers_free(q->bounce, r->bounce);
	r->bounce = NULL;
}

void
blk_front_queue_destroy(struct fido_blk_queue *q)
{
	if (q == NULL)
		return;
	for (uint32_t i = 0; q->requests != NULL && i < q->depth; i++)
		release_memory(q, &q->requests[i]);
	if (q->open_shm != NULL)
		blk_buffers_free(q->bounce, q->open_shm);
	blk_buffers_destroy(q->bounce);
	free(q->requests);
	free(q->done);
	free(q->polled);
	free(q);
}

void
blk_front_queue_abandon(struct fido_blk_queue *q)
{
	for (uint32_t i = 0; i < q->depth; i++) {
		struct request *r = &q->requests[i];

		blk_front_drop_pieces(q, r);
		if (r->state == REQUEST_WAITING || r->state == REQUEST_LENT)
			r->state = REQUEST_FREE;
	}
	STAILQ_INIT(&q->waiting);
	blk_front_give_back(q);
}

/* ---- submit ---- */

static int
check_extent(const struct fido_blk_info *info, const struct fido_blk_request *r)
{
	bool transfer = r->op == FIDO_BLK_READ || r->op == FIDO_BLK_WRITE;

	if (r->op == FIDO_BLK_FLUSH)
		return 0;
	if (r->length == 0 || (r->offset | r->length) & (info->block_size - 1) ||
		(transfer && r->length > info->max_transfer) || r->length / BLK_SECTOR > UINT32_MAX)
		return -EINVAL;
	return r->offset >= info->size || r->length > info->size - r->offset ? -ERANGE : 0;
}

static int
check_iov(const struct fido_blk_info *info, const struct fido_blk_request *r)
{
	bool wants =
		r->op == FIDO_BLK_WRITE || (r->op == FIDO_BLK_READ && !(r->flags & FIDO_BLK_LEND));
	uint64_t sum = 0;

	if (!wants)
		return 0;
	if (r->iovcnt == 0 ||
		r->iovcnt > (r->op == FIDO_BLK_WRITE ? info->max_segments : FIDO_BLK_SEGMENTS_MAX))
		return -EINVAL;
	for (unsigned int i = 0; i < r->iovcnt; i++) {
		if (r->iov[i].iov_len > r->length)
			return -EINVAL;
		sum += r->iov[i].iov_len;
	}
	return sum == r->length ? 0 : -EINVAL;
}

static int
check_op(const struct fido_blk_info *info, const struct fido_blk_request *r)
{
	static const uint32_t needs[] = {
		[FIDO_BLK_READ] = 0,
		[FIDO_BLK_WRITE] = FIDO_BLK_CAN_WRITE,
		[FIDO_BLK_FLUSH] = 0,
		[FIDO_BLK_DISCARD] = FIDO_BLK_CAN_DISCARD,
		[FIDO_BLK_WRITE_ZEROES] = FIDO_BLK_CAN_WRITE_ZEROES,
	};
	uint32_t flags = r->op == FIDO_BLK_READ ? FIDO_BLK_LEND : FIDO_BLK_FUA;

	if (r->op < FIDO_BLK_READ || r->op > FIDO_BLK_WRITE_ZEROES || (r->flags & ~flags))
		return -EINVAL;
	if (r->op != FIDO_BLK_READ && r->op != FIDO_BLK_FLUSH &&
		!(info->features & FIDO_BLK_CAN_WRITE))
		return -EROFS;
	if ((r->flags & FIDO_BLK_FUA) && !(info->features & FIDO_BLK_CAN_FUA))
		return -EOPNOTSUPP;
	return (info->features & needs[r->op]) == needs[r->op] ? 0 : -EOPNOTSUPP;
}

static int
check(const struct fido_blk_info *info, const struct fido_blk_request *r)
{
	int ret = check_op(info, r);

	if (ret == 0)
		ret = check_extent(info, r);
	return ret != 0 ? ret : check_iov(info, r);
}

static bool
copy_iov(struct request *r, const struct fido_blk_request *from)
{
	if (from->iovcnt > REQUEST_IOV) {
		r->iov = malloc(from->iovcnt * sizeof(*r->iov));
		if (r->iov == NULL) {
			r->iov = r->iov_few;
			return false;
		}
	}
	memcpy(r->iov, from->iov, from->iovcnt * sizeof(*r->iov));
	r->iovcnt = from->iovcnt;
	return true;
}

static int
submit_one(struct fido_blk_queue *q, const struct fido_blk_request *from)
{
	struct request *r = STAILQ_FIRST(&q->free);
	bool lend = from->op == FIDO_BLK_READ && (from->flags & FIDO_BLK_LEND);

	r->iovcnt = 0;
	if ((from->op == FIDO_BLK_READ || from->op == FIDO_BLK_WRITE) && !lend &&
		!copy_iov(r, from))
		return -ENOMEM;
	STAILQ_REMOVE_HEAD(&q->free, next);
	q->inflight++;
	r->seq++;
	r->op = (uint8_t)from->op;
	r->flags = from->flags;
	r->offset = from->op == FIDO_BLK_FLUSH ? 0 : from->offset;
	r->length = from->op == FIDO_BLK_FLUSH ? 0 : from->length;
	r->cookie = from->cookie;
	r->again = false;
	r->error = 0;
	r->tickets_out = 0;
	r->names_caller = false;
	r->rx_count = 0;
	r->arrived = 0;
	if (q->state == SESSION_REFUSED) {
		r->state = REQUEST_SENT;
		blk_front_finish(q, r, q->refusal);
	} else {
		r->state = REQUEST_WAITING;
		STAILQ_INSERT_TAIL(&q->waiting, r, next);
	}
	return 0;
}

int
fido_blk_submit(struct fido_blk_queue *q, const struct fido_blk_request *requests, unsigned int n)
{
	unsigned int done = 0;
	int ret = 0;

	while (done < n && !STAILQ_EMPTY(&q->free)) {
		ret = check(&q->blk->info, &requests[done]);
		if (ret == 0)
			ret = submit_one(q, &requests[done]);
		if (ret != 0)
			break;
		done++;
	}
	blk_front_send(q);
	return done != 0 ? (int)done : ret;
}

/* ---- poll, release ---- */

static void
free_request(struct fido_blk_queue *q, struct request *r)
{
	release_memory(q, r);
	r->state = REQUEST_FREE;
	STAILQ_INSERT_HEAD(&q->free, r, next);
	q->inflight--;
}

void
blk_front_queue_step(struct fido_blk_queue *q)
{
	blk_front_take_answers(q);
	blk_front_session_check(q);
	blk_front_send(q);
}

unsigned int
fido_blk_poll(struct fido_blk_queue *q, struct fido_blk_completion *completions, unsigned int max)
{
	unsigned int n = 0;
	struct request *r;

	blk_front_queue_step(q);
	while (n < max && (r = STAILQ_FIRST(&q->ready)) != NULL) {
		struct fido_blk_completion *c = &completions[n++];

		STAILQ_REMOVE_HEAD(&q->ready, next);
		*c = (struct fido_blk_completion){.cookie = r->cookie, .error = r->error};
		if (r->rx_count == 0) {
			free_request(q, r);
			continue;
		}
		r->state = REQUEST_LENT;
		c->iov = r->iov;
		c->iovcnt = r->iovcnt;
		c->lent = (struct fido_blk_lent *)r;
	}
	return n;
}

void
fido_blk_release(struct fido_blk_queue *q, struct fido_blk_lent *const *lent, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++) {
		struct request *r = (struct request *)lent[i];

		blk_front_drop_pieces(q, r);
		free_request(q, r);
	}
	blk_front_give_back(q);
}

unsigned int
fido_blk_inflight(const struct fido_blk_queue *q)
{
	return q->inflight;
}

/* ---- sleep ---- */

int
fido_blk_fd(const struct fido_blk_queue *q)
{
	return fido_rxq_fd(q->rxq);
}

/* @return true when the link has new rings, which this queue does not use yet */
static bool
new_session(struct fido_blk_queue *q)
{
	uint64_t id = blk_front_ring_id(q);

	return id != 0 && id != q->session;
}

bool
fido_blk_arm(struct fido_blk_queue *q)
{
	/* Completions, memory that was read, and new rings all ring the same doorbell. */
	return fido_link_arm(q->rxq, &q->txq, 1) || !STAILQ_EMPTY(&q->ready) || new_session(q) ||
		(q->state != SESSION_REFUSED && fido_link_error(q->blk->link) != 0);
}

void
fido_blk_disarm(struct fido_blk_queue *q)
{
	fido_txq_disarm(q->txq, false);
	fido_rxq_disarm(q->rxq, true);
}

void
fido_blk_queue_stats(const struct fido_blk_queue *q, struct fido_blk_stats *stats)
{
	*stats = q->stats;
}
