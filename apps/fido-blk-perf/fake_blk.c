/* SPDX-License-Identifier: BSD-3-Clause */
/* Its assertions are part of the tests. */
#undef NDEBUG
#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include <fido/link.h>

#include "fake_blk.h"
#include "pieces.h"
#include "random.h"

#define DEPTH FIDO_BLK_DEPTH_MAX
/* A fault that is done once may go unseen: a lost write may be followed by another one. */
#define EVERY 20

/* A request in flight, or a lend. */
struct fido_blk_lent {
	struct fido_blk_request request;
	struct iovec iov[FIDO_BLK_SEGMENTS_MAX];
	uint8_t *memory; /* of a lend; NULL: it is live */
	bool used;
	bool lent;
};

struct fido_blk_queue {
	struct fido_blk *blk;
	struct fido_blk_lent slots[DEPTH];
	unsigned int order[DEPTH]; /* in flight */
	unsigned int inflight;
	unsigned int used;
	struct perf_random random;
	struct fake_seen seen;
	struct fido_blk_stats stats;
	int fd;
};

struct fido_blk {
	struct fake_config config;
	struct fido_blk_info info;
	uint8_t *memory;
	uint8_t *durable;
	pthread_mutex_t lock; /* a flush copies what other queues write */
	unsigned int chances; /* requests that the fault could be in */
	struct fido_blk_queue *queues[FIDO_LINK_QUEUES_MAX];
};

struct fido_blk *
fake_blk_create(const struct fake_config *config)
{
	struct fido_blk *blk = calloc(1, sizeof(*blk));

	assert(blk != NULL);
	blk->config = *config;
	if (blk->config.queues == 0)
		blk->config.queues = 1;
	blk->info = (struct fido_blk_info){
		.size = config->size,
		.identity = 42,
		.block_size = config->block_size != 0 ? config->block_size : 512,
		.max_transfer = 1u << 20,
		.max_segments = FIDO_BLK_SEGMENTS_MAX,
		.features = config->features != 0 ? config->features : 0x1f,
	};
	blk->memory = mmap(NULL, 2 * config->size, PROT_READ | PROT_WRITE,
		config->file != 0 ? MAP_SHARED : MAP_PRIVATE | MAP_ANONYMOUS,
		config->file != 0 ? config->file : -1, 0);
	assert(blk->memory != MAP_FAILED);
	blk->durable = blk->memory + config->size;
	pthread_mutex_init(&blk->lock, NULL);
	for (uint16_t i = 0; i < blk->config.queues; i++) {
		blk->queues[i] = calloc(1, sizeof(*blk->queues[i]));
		assert(blk->queues[i] != NULL);
		blk->queues[i]->blk = blk;
		blk->queues[i]->random.state = i;
		blk->queues[i]->fd = eventfd(0, EFD_NONBLOCK);
	}
	return blk;
}

void
fake_blk_destroy(struct fido_blk *blk)
{
	for (uint16_t i = 0; i < blk->config.queues; i++) {
		for (unsigned int k = 0; k < DEPTH; k++)
			free(blk->queues[i]->slots[k].memory);
		close(blk->queues[i]->fd);
		free(blk->queues[i]);
	}
	munmap(blk->memory, 2 * blk->info.size);
	pthread_mutex_destroy(&blk->lock);
	free(blk);
}

void
fake_blk_lose_power(struct fido_blk *blk)
{
	memcpy(blk->memory, blk->durable, blk->info.size);
}

const struct fake_seen *
fake_blk_seen(struct fido_blk *blk, uint16_t queue)
{
	return &blk->queues[queue]->seen;
}

unsigned int
fake_blk_lends(struct fido_blk *blk)
{
	unsigned int n = 0;

	for (uint16_t i = 0; i < blk->config.queues; i++)
		for (unsigned int k = 0; k < DEPTH; k++)
			n += blk->queues[i]->slots[k].lent;
	return n;
}

const struct fido_blk_info *
fido_blk_info(const struct fido_blk *blk)
{
	return &blk->info;
}

struct fido_blk_queue *
fido_blk_queue(struct fido_blk *blk, uint16_t i)
{
	return i < blk->config.queues ? blk->queues[i] : NULL;
}

/* ---- faults ---- */

/* The operation that a fault is in; 0: any. */
static const enum fido_blk_op fault_op[] = {
	[FAKE_WRITE_LOST] = FIDO_BLK_WRITE,
	[FAKE_WRITE_TORN] = FIDO_BLK_WRITE,
	[FAKE_WRITE_MISPLACED] = FIDO_BLK_WRITE,
	[FAKE_ZEROES_LOST] = FIDO_BLK_WRITE_ZEROES,
	[FAKE_READ_FLIPPED] = FIDO_BLK_READ,
	[FAKE_READ_MISPLACED] = FIDO_BLK_READ,
	[FAKE_LEND_LIVE] = FIDO_BLK_READ,
	[FAKE_LEND_SHORT] = FIDO_BLK_READ,
	[FAKE_LEND_NOTHING] = FIDO_BLK_READ,
	[FAKE_FLUSH_NOTHING] = FIDO_BLK_FLUSH,
};

/* The lock is held. @return the fault that this request has */
static enum fake_fault
fault_of(struct fido_blk_queue *q, const struct fido_blk_request *r)
{
	struct fido_blk *blk = q->blk;
	enum fake_fault fault = blk->config.fault;

	if (fault == FAKE_NONE ||
		(fault < sizeof(fault_op) / sizeof(fault_op[0]) && fault_op[fault] != 0 &&
			fault_op[fault] != r->op))
		return FAKE_NONE;
	blk->chances++;
	if (blk->chances <= blk->config.after ||
		(fault < FAKE_STAYS && (blk->chances - blk->config.after) % EVERY != 1))
		return FAKE_NONE;
	q->seen.faults++;
	return fault;
}

/* ---- requests ---- */

static void
note(struct fido_blk_queue *q, const struct fido_blk_request *r)
{
	struct fake_seen *s = &q->seen;

	s->ops[r->op]++;
	s->fua += (r->flags & FIDO_BLK_FUA) != 0 && r->op != FIDO_BLK_READ;
	if (r->op == FIDO_BLK_FLUSH)
		return;
	assert(r->length > 0 && r->offset + r->length <= q->blk->info.size);
	assert((r->offset | r->length) % q->blk->info.block_size == 0);
	if (s->max_end == 0 || r->offset < s->min_offset)
		s->min_offset = r->offset;
	s->max_length = r->length > s->max_length ? r->length : s->max_length;
	s->max_end = r->offset + r->length > s->max_end ? r->offset + r->length : s->max_end;
}

int
fido_blk_submit(struct fido_blk_queue *q, const struct fido_blk_request *requests, unsigned int n)
{
	unsigned int most = q->blk->config.depth != 0 ? q->blk->config.depth : DEPTH, done = 0;

	for (; done < n && q->used < most; done++) {
		unsigned int i = 0;

		note(q, &requests[done]);
		while (q->slots[i].used)
			i++;
		q->slots[i] = (struct fido_blk_lent){.request = requests[done], .used = true};
		if (requests[done].iovcnt != 0) {
			/* The array is the caller's again at once. */
			memcpy(q->slots[i].iov, requests[done].iov,
				requests[done].iovcnt * sizeof(struct iovec));
			q->slots[i].request.iov = q->slots[i].iov;
		}
		q->order[q->inflight++] = i;
		q->used++;
	}
	if (q->used > q->seen.most_inflight)
		q->seen.most_inflight = q->used;
	return (int)done;
}

/*
 * A process that is killed in the middle of copying to memory leaves half a block; the kernel
 * writes whole pages.
 */
static void
store(struct fido_blk *blk, uint64_t offset, const uint8_t *from, uint64_t length)
{
	if (blk->config.file == 0)
		memcpy(blk->memory + offset, from, length);
	else
		assert(pwrite(blk->config.file, from, length, (off_t)offset) == (ssize_t)length);
}

static void
do_change(struct fido_blk *blk, const struct fido_blk_request *r, enum fake_fault fault)
{
	uint64_t offset = r->offset, length = r->length;
	uint8_t *copy = calloc(1, length);

	assert(copy != NULL);
	if (r->op == FIDO_BLK_WRITE)
		perf_pieces_copy(r->iov, r->iovcnt, 0, copy, length, false);
	if (fault == FAKE_WRITE_MISPLACED)
		offset = offset + length + 4096 <= blk->info.size ? offset + 4096 : offset - 4096;
	if (fault == FAKE_WRITE_TORN)
		length = 2048;
	if (fault != FAKE_WRITE_LOST && fault != FAKE_ZEROES_LOST) {
		store(blk, offset, copy, length);
		if (r->flags & FIDO_BLK_FUA)
			store(blk, blk->info.size + offset, copy, length);
	}
	free(copy);
}

/* In odd pieces, so that blocks lie across them. */
static unsigned int
cut(struct fido_blk_queue *q, struct fido_blk_lent *slot, uint8_t *memory, uint64_t length)
{
	unsigned int n = 0;
	uint64_t done = 0;

	while (done < length) {
		uint64_t left = length - done, piece = 1 + perf_random_below(&q->random, left);

		if (n == FIDO_BLK_SEGMENTS_MAX - 1 || piece < 700)
			piece = left;
		slot->iov[n++] = (struct iovec){.iov_base = memory + done, .iov_len = piece};
		done += piece;
	}
	return n;
}

static void
do_read(struct fido_blk_queue *q, struct fido_blk_lent *slot, enum fake_fault fault,
	struct fido_blk_completion *c)
{
	struct fido_blk *blk = q->blk;
	const struct fido_blk_request *r = &slot->request;
	uint64_t offset = r->offset;
	uint8_t *copy = malloc(r->length);

	assert(copy != NULL);
	if (fault == FAKE_READ_MISPLACED)
		offset =
			offset + r->length + 4096 <= blk->info.size ? offset + 4096 : offset - 4096;
	memcpy(copy, blk->memory + offset, r->length);
	if (fault == FAKE_READ_FLIPPED)
		copy[perf_random_below(&q->random, r->length)] ^= 4;
	if ((r->flags & FIDO_BLK_LEND) == 0) {
		perf_pieces_copy(r->iov, r->iovcnt, 0, copy, r->length, true);
		free(copy);
		return;
	}
	q->stats.lent++;
	slot->memory = copy;
	if (fault == FAKE_LEND_NOTHING)
		return;
	slot->lent = true;
	c->iovcnt = cut(q, slot, fault == FAKE_LEND_LIVE ? blk->memory + offset : copy, r->length);
	if (fault == FAKE_LEND_SHORT)
		slot->iov[c->iovcnt - 1].iov_len--;
	c->iov = slot->iov;
	c->lent = slot;
}

static void
do_one(struct fido_blk_queue *q, struct fido_blk_lent *slot, struct fido_blk_completion *c,
	enum fake_fault fault)
{
	struct fido_blk *blk = q->blk;

	*c = (struct fido_blk_completion){.cookie = slot->request.cookie};
	if (fault == FAKE_ERROR || fault == FAKE_STALE) {
		c->error = fault == FAKE_ERROR ? -EIO : -ESTALE;
		return;
	}
	switch (slot->request.op) {
	case FIDO_BLK_READ:
		do_read(q, slot, fault, c);
		return;
	case FIDO_BLK_FLUSH:
		if (fault != FAKE_FLUSH_NOTHING)
			memcpy(blk->durable, blk->memory, blk->info.size);
		return;
	case FIDO_BLK_DISCARD:
		/* Some become zeros, some stay. */
		if (perf_random_below(&q->random, 2) == 0)
			return;
		/* fall through */
	default:
		do_change(blk, &slot->request, fault);
		return;
	}
}

static void
free_slot(struct fido_blk_queue *q, struct fido_blk_lent *slot)
{
	assert(slot->used);
	free(slot->memory);
	slot->memory = NULL;
	slot->used = false;
	slot->lent = false;
	q->used--;
}

/* Any order, and not all at once. */
unsigned int
fido_blk_poll(struct fido_blk_queue *q, struct fido_blk_completion *completions, unsigned int max)
{
	unsigned int n = 0;

	pthread_mutex_lock(&q->blk->lock);
	while (n < max && q->inflight != 0 && perf_random_below(&q->random, 4) != 0) {
		unsigned int at = (unsigned int)perf_random_below(&q->random, q->inflight);
		struct fido_blk_lent *slot = &q->slots[q->order[at]];
		enum fake_fault fault = fault_of(q, &slot->request);

		q->order[at] = q->order[--q->inflight];
		if (fault == FAKE_NO_ANSWER)
			continue;
		do_one(q, slot, &completions[n++], fault);
		if (!slot->lent)
			free_slot(q, slot);
	}
	pthread_mutex_unlock(&q->blk->lock);
	return n;
}

void
fido_blk_release(struct fido_blk_queue *q, struct fido_blk_lent *const *lent, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++) {
		assert(lent[i]->lent);
		free_slot(q, lent[i]);
	}
}

int
fido_blk_fd(const struct fido_blk_queue *q)
{
	return q->fd;
}

/* What is in flight waits to be polled: then one does not sleep. */
bool
fido_blk_arm(struct fido_blk_queue *q)
{
	return q->inflight != 0;
}

void
fido_blk_disarm(struct fido_blk_queue *q)
{
}

void
fido_blk_queue_stats(const struct fido_blk_queue *q, struct fido_blk_stats *stats)
{
	*stats = q->stats;
}
