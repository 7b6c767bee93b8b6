/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The upper limit of performance: the front-end's interface on top of a store, in one process and
 * one thread. fio's engine linked with this does the same work as with libfido-blk and fido-blkd,
 * but without another domain. The name of the volume is its store ("mem:256M"). One queue.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include <fido/blk.h>

#include "buffers.h"
#include "store.h"

#define LENT_MAX FIDO_BLK_LENT_MAX

struct request {
	struct blk_io io; /* must be first: blk_io_done() casts */
	STAILQ_ENTRY(request) next;
	struct fido_blk_queue *q;
	void *cookie;
	void *buffer;
	struct iovec iov[LENT_MAX];
	void *lent[LENT_MAX];
};

STAILQ_HEAD(request_list, request);

struct fido_blk_queue {
	struct fido_blk *blk;
	struct request *requests;
	struct request_list free;
	struct request_list done;
	unsigned int inflight;
	struct fido_blk_stats stats;
};

struct fido_blk {
	struct blk_store *store;
	struct blk_channel *channel;
	struct blk_buffers *buffers;
	struct fido_blk_queue q;
};

int
fido_blk_open(struct fido_domain *domain, const struct fido_blk_config *config,
	struct fido_blk **out)
{
	struct blk_store_config store = {.domain = domain, .volume = config->volume};
	uint32_t depth = config->depth != 0 ? config->depth : 128;
	struct fido_blk *blk = calloc(1, sizeof(*blk));
	struct blk_channel_config channel;
	int ret = blk == NULL ? -ENOMEM : blk_store_open(&blk->store, &store, config->volume);

	if (ret != 0)
		return ret;
	ret = blk_buffers_create(&blk->buffers, domain, 64 << 20);
	channel.buffers = blk->buffers;
	if (ret == 0)
		ret = blk->store->ops->channel_open(blk->store, &channel, &blk->channel);
	blk->q.requests = calloc(depth, sizeof(*blk->q.requests));
	if (ret != 0 || blk->q.requests == NULL)
		return ret != 0 ? ret : -ENOMEM;
	blk->q.blk = blk;
	STAILQ_INIT(&blk->q.free);
	STAILQ_INIT(&blk->q.done);
	for (uint32_t i = 0; i < depth; i++)
		STAILQ_INSERT_HEAD(&blk->q.free, &blk->q.requests[i], next);
	*out = blk;
	return 0;
}

int
fido_blk_close(struct fido_blk *blk)
{
	if (blk == NULL)
		return 0;
	blk->store->ops->channel_close(blk->channel);
	blk_store_close(blk->store);
	blk_buffers_destroy(blk->buffers);
	free(blk->q.requests);
	free(blk);
	return 0;
}

const struct fido_blk_info *
fido_blk_info(const struct fido_blk *blk)
{
	return &blk->store->info;
}

struct fido_blk_queue *
fido_blk_queue(struct fido_blk *blk, uint16_t i)
{
	return i == 0 ? &blk->q : NULL;
}

bool
fido_blk_is_connected(const struct fido_blk *blk)
{
	(void)blk;
	return true;
}

void
blk_io_done(struct blk_io *io, int error)
{
	struct request *r = (struct request *)io;

	io->error = error;
	STAILQ_INSERT_TAIL(&r->q->done, r, next);
}

static void
submit_one(struct fido_blk_queue *q, struct request *r, const struct fido_blk_request *from)
{
	r->q = q;
	r->cookie = from->cookie;
	r->buffer = NULL;
	r->io = (struct blk_io){.op = from->op,
		.fua = from->flags & FIDO_BLK_FUA,
		.offset = from->offset,
		.length = from->length,
		.iov = r->iov,
		.lent = r->lent};
	if (from->op == FIDO_BLK_WRITE) {
		memcpy(r->iov, from->iov, from->iovcnt * sizeof(r->iov[0]));
		r->io.iovcnt = from->iovcnt;
	} else if (from->op == FIDO_BLK_READ && q->blk->store->ops->release == NULL) {
		r->buffer = blk_buffers_alloc(q->blk->buffers, from->length);
		r->iov[0] = (struct iovec){r->buffer, from->length};
		r->io.iovcnt = 1;
	}
	q->blk->store->ops->submit(q->blk->channel, &r->io);
}

int
fido_blk_submit(struct fido_blk_queue *q, const struct fido_blk_request *requests, unsigned int n)
{
	unsigned int done = 0;

	for (; done < n && !STAILQ_EMPTY(&q->free); done++) {
		struct request *r = STAILQ_FIRST(&q->free);

		STAILQ_REMOVE_HEAD(&q->free, next);
		q->inflight++;
		submit_one(q, r, &requests[done]);
	}
	return (int)done;
}

static void
give_back(struct fido_blk_queue *q, struct request *r)
{
	const struct blk_store_ops *ops = q->blk->store->ops;

	for (uint32_t i = 0; r->io.op == FIDO_BLK_READ && ops->release != NULL && i < r->io.iovcnt;
		i++)
		ops->release(q->blk->channel, r->lent[i]);
	if (r->buffer != NULL)
		blk_buffers_free(q->blk->buffers, r->buffer);
	STAILQ_INSERT_HEAD(&q->free, r, next);
	q->inflight--;
}

unsigned int
fido_blk_poll(struct fido_blk_queue *q, struct fido_blk_completion *completions, unsigned int max)
{
	unsigned int n = 0;

	q->blk->store->ops->poll(q->blk->channel);
	for (; n < max && !STAILQ_EMPTY(&q->done); n++) {
		struct request *r = STAILQ_FIRST(&q->done);

		STAILQ_REMOVE_HEAD(&q->done, next);
		q->stats.requests[r->io.op]++;
		completions[n] =
			(struct fido_blk_completion){.cookie = r->cookie, .error = r->io.error};
		if (r->io.op == FIDO_BLK_READ && r->io.error == 0) {
			completions[n].iov = r->iov;
			completions[n].iovcnt = r->io.iovcnt;
			completions[n].lent = (struct fido_blk_lent *)r;
		} else {
			give_back(q, r);
		}
	}
	return n;
}

void
fido_blk_release(struct fido_blk_queue *q, struct fido_blk_lent *const *lent, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++)
		give_back(q, (struct request *)lent[i]);
}

unsigned int
fido_blk_inflight(const struct fido_blk_queue *q)
{
	return q->inflight;
}

int
fido_blk_fd(const struct fido_blk_queue *q)
{
	(void)q;
	return -1;
}

bool
fido_blk_arm(struct fido_blk_queue *q)
{
	(void)q;
	return true;
}

void
fido_blk_disarm(struct fido_blk_queue *q)
{
	(void)q;
}

void
fido_blk_queue_stats(const struct fido_blk_queue *q, struct fido_blk_stats *stats)
{
	*stats = q->stats;
}
