/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A channel to a file: an io_uring of one worker's own.
 *
 * Each request is an op, which is in one place at a time:
 *
 *   submit -> pending (the ring is full) -> the ring -> finished
 *                ^ the rest of it, another try |
 *                +-----------------------------+
 *   submit, or the ring -> starved (it must be copied, and there is no memory) -> pending
 *
 * Writes give the kernel the front-end's memory. It is copied when it cannot have it: direct I/O has rules for addresses
 * and lengths of pieces, and some mappings (foreign pages of a hypervisor) cannot be used by a device.
 */

#include "store_file.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/queue.h>

#include <fido/atomic.h>

#include "copies.h"
#include "store_file_ring.h"

#define SLAB_OPS 64

STAILQ_HEAD(op_list, blk_file_op);

struct slab {
	struct slab *next;
	struct blk_file_op ops[SLAB_OPS];
};

struct channel {
	struct blk_channel base;
	struct blk_file *file;
	struct blk_file_ring ring;
	unsigned int finished;
	struct op_list pending;
	struct op_list starved;
	struct blk_copies copies;
	struct op_list free;
	struct slab *slabs;
};

/* ---- ops ---- */

static struct blk_file_op *
op_get(struct channel *ch, struct blk_io *io)
{
	struct blk_file_op *op;

	if (STAILQ_EMPTY(&ch->free)) {
		struct slab *slab = malloc(sizeof(*slab));

		if (slab == NULL)
			return NULL;
		slab->next = ch->slabs;
		ch->slabs = slab;
		for (unsigned int i = 0; i < SLAB_OPS; i++)
			STAILQ_INSERT_HEAD(&ch->free, &slab->ops[i], next);
	}
	op = STAILQ_FIRST(&ch->free);
	STAILQ_REMOVE_HEAD(&ch->free, next);
	*op = (struct blk_file_op){.io = io};
	return op;
}

/* Whether the volume can be written to. What a file or a front-end's memory cannot do at all says nothing of that. */
static void
note_result(struct blk_file *f, int error)
{
	if (error == 0) {
		if (__builtin_expect(__atomic_load_n(&f->failing, __ATOMIC_RELAXED) != 0, 0))
			__atomic_store_n(&f->failing, 0, __ATOMIC_RELAXED);
	} else if (error != -EOPNOTSUPP && error != -EFAULT && error != -EINVAL &&
		error != -ECANCELED) {
		blk_file_failed(f, error);
	}
}

static void
op_finish(struct channel *ch, struct blk_file_op *op, int error)
{
	struct blk_io *io = op->io;

	if (io->op != FIDO_BLK_READ)
		note_result(ch->file, error);
	if (op->copy != NULL)
		blk_copies_free(&ch->copies, op->copy);
	STAILQ_INSERT_HEAD(&ch->free, op, next);
	ch->finished++;
	blk_io_done(io, error);
}

/* ---- into the ring ---- */

/* Later ones do not overtake: what waits would wait for ever. */
static void
op_start(struct channel *ch, struct blk_file_op *op)
{
	if (!STAILQ_EMPTY(&ch->pending) || !blk_file_ring_put(&ch->ring, op))
		STAILQ_INSERT_TAIL(&ch->pending, op, next);
}

/* Give the ring what waits, and the kernel the ring. What the kernel does not take now is left for the next time. */
static void
hand_over(struct channel *ch)
{
	struct blk_file_op *op;

	do {
		while ((op = STAILQ_FIRST(&ch->pending)) != NULL &&
			blk_file_ring_put(&ch->ring, op))
			STAILQ_REMOVE_HEAD(&ch->pending, next);
		if (io_uring_sq_ready(&ch->ring.uring) == 0)
			break;
	} while (io_uring_submit(&ch->ring.uring) > 0 && !STAILQ_EMPTY(&ch->pending) &&
		ch->ring.flight < ch->ring.room);
}

/* ---- copies ---- */

/* Whether direct I/O takes the pieces as they are. */
static bool
pieces_fit(const struct blk_file *f, const struct blk_io *io)
{
	for (uint32_t i = 0; f->direct && i < io->iovcnt; i++)
		if (((uintptr_t)io->iov[i].iov_base & (f->memory_align - 1)) != 0 ||
			(io->iov[i].iov_len & (f->base.info.block_size - 1)) != 0)
			return false;
	return true;
}

/* @return false: there is no memory now */
static bool
copy_make(struct channel *ch, struct blk_file_op *op)
{
	op->copy = blk_copies_make(&ch->copies, ch->base.store, op->io);
	return op->copy != NULL;
}

static void
start_copied(struct channel *ch, struct blk_file_op *op)
{
	if (STAILQ_EMPTY(&ch->starved) && copy_make(ch, op))
		op_start(ch, op);
	else
		STAILQ_INSERT_TAIL(&ch->starved, op, next);
}

/* Memory may have come back, from a copy or from a reader. */
static void
feed_starved(struct channel *ch)
{
	struct blk_file_op *op;

	while ((op = STAILQ_FIRST(&ch->starved)) != NULL && copy_make(ch, op)) {
		STAILQ_REMOVE_HEAD(&ch->starved, next);
		op_start(ch, op);
	}
}

/* ---- out of the ring ---- */

static void
transfer_goes_on(struct channel *ch, struct blk_file_op *op, uint32_t n)
{
	const struct blk_file *f = ch->file;

	op->done += n;
	if (op->done == op->io->length) {
		op_finish(ch, op, 0);
		return;
	}
	if (f->direct && op->done % f->base.info.block_size != 0) {
		/* The file ends within a block, or the medium is full: go on at the block, if that is progress. */
		uint64_t done = op->done - op->done % f->base.info.block_size;

		if (op->step == STEP_READ || done == op->done - n) {
			op_finish(ch, op, -EIO);
			return;
		}
		op->done = done;
	}
	op_start(ch, op);
}

static void
transfer_ended(struct channel *ch, struct blk_file_op *op, int res)
{
	bool can_copy = op->step == STEP_WRITE && op->copy == NULL;

	if (res > 0)
		transfer_goes_on(ch, op, (uint32_t)res);
	else if (res ==
		0) /* the file has been truncated; a write that does nothing and has no reason */
		op_finish(ch, op, -EIO);
	else if (can_copy && (res == -EFAULT || (res == -EINVAL && ch->file->direct)))
		start_copied(ch, op);
	else
		op_finish(ch, op, res);
}

static bool
is_unsupported(int res)
{
	return res == -EOPNOTSUPP || res == -ENOSYS;
}

/* A range is zeroed by what the file can; this one is not, so by the next. -EINVAL: not this range, of this device. */
static void
zero_otherwise(struct channel *ch, struct blk_file_op *op, int res)
{
	uint32_t next = op->step == STEP_ZERO_RANGE ? BLK_FILE_ZERO_PUNCH : BLK_FILE_ZERO_WRITE;

	if (is_unsupported(res) && fido_load_relaxed(&ch->file->zero) < next)
		fido_store_relaxed(&ch->file->zero, next);
	op->step = STEP_ZERO_RANGE + next;
	op_start(ch, op);
}

static void
range_ended(struct channel *ch, struct blk_file_op *op, int res)
{
	if (op->step != STEP_DISCARD && (is_unsupported(res) || res == -EINVAL)) {
		zero_otherwise(ch, op, res);
		return;
	}
	/* What cannot be discarded stays as it is, as it may. */
	if (op->step == STEP_DISCARD && (is_unsupported(res) || res == -EINVAL))
		res = 0;
	if (res == 0 && op->io->fua) {
		op->step = STEP_SYNC;
		op_start(ch, op);
	} else {
		op_finish(ch, op, res);
	}
}

static void
op_ended(struct channel *ch, struct blk_file_op *op, int res)
{
	ch->ring.flight--;
	if (res == -EINTR || res == -EAGAIN) {
		op_start(ch, op);
		return;
	}
	switch (op->step) {
	case STEP_READ:
	case STEP_WRITE:
	case STEP_ZERO_WRITE:
		transfer_ended(ch, op, res);
		break;
	case STEP_DISCARD:
	case STEP_ZERO_RANGE:
	case STEP_ZERO_PUNCH:
		range_ended(ch, op, res);
		break;
	case STEP_SYNC:
		op_finish(ch, op, res);
		break;
	}
}

/* ---- the channel ---- */

int
blk_file_channel_open(struct blk_store *store, const struct blk_channel_config *config,
	struct blk_channel **out)
{
	struct channel *ch = calloc(1, sizeof(*ch));
	int ret;

	if (ch == NULL)
		return -ENOMEM;
	ch->base.store = store;
	ch->file = (struct blk_file *)store;
	ch->copies.buffers = config->buffers;
	STAILQ_INIT(&ch->pending);
	STAILQ_INIT(&ch->starved);
	STAILQ_INIT(&ch->free);
	ret = blk_file_ring_open(&ch->ring, ch->file, config->buffers);
	if (ret != 0) {
		free(ch);
		return ret;
	}
	*out = &ch->base;
	return 0;
}

void
blk_file_channel_close(struct blk_channel *channel)
{
	struct channel *ch = (struct channel *)channel;

	blk_file_ring_close(&ch->ring);
	while (ch->slabs != NULL) {
		struct slab *slab = ch->slabs;

		ch->slabs = slab->next;
		free(slab);
	}
	blk_copies_end(&ch->copies);
	free(ch);
}

void
blk_file_channel_submit(struct blk_channel *channel, struct blk_io *io)
{
	struct channel *ch = (struct channel *)channel;
	struct blk_file_op *op = op_get(ch, io);

	if (op == NULL) {
		ch->finished++;
		blk_io_done(io, -ENOMEM);
		return;
	}
	if (io->length == 0 && io->op != FIDO_BLK_FLUSH) {
		op_finish(ch, op, 0);
		return;
	}
	switch (io->op) {
	case FIDO_BLK_READ:
		op->step = STEP_READ;
		break;
	case FIDO_BLK_WRITE:
		op->step = STEP_WRITE;
		if (!pieces_fit(ch->file, io)) {
			start_copied(ch, op);
			return;
		}
		break;
	case FIDO_BLK_FLUSH:
		op->step = STEP_SYNC;
		break;
	case FIDO_BLK_DISCARD:
		op->step = STEP_DISCARD;
		break;
	case FIDO_BLK_WRITE_ZEROES:
		op->step = STEP_ZERO_RANGE + fido_load_relaxed(&ch->file->zero);
		break;
	}
	op_start(ch, op);
}

unsigned int
blk_file_channel_poll(struct blk_channel *channel)
{
	struct channel *ch = (struct channel *)channel;
	struct io_uring_cqe *cqes[64];
	unsigned int n, finished;

	feed_starved(ch);
	hand_over(ch);
	do {
		n = io_uring_peek_batch_cqe(&ch->ring.uring, cqes, sizeof(cqes) / sizeof(cqes[0]));
		for (unsigned int i = 0; i < n; i++)
			op_ended(ch, io_uring_cqe_get_data(cqes[i]), cqes[i]->res);
		io_uring_cq_advance(&ch->ring.uring, n);
	} while (n == sizeof(cqes) / sizeof(cqes[0]));
	if (io_uring_sq_ready(&ch->ring.uring) != 0 || !STAILQ_EMPTY(&ch->pending))
		hand_over(ch);
	finished = ch->finished;
	ch->finished = 0;
	return finished;
}

bool
blk_file_channel_arm(struct blk_channel *channel, int *fd, short *events)
{
	struct channel *ch = (struct channel *)channel;

	feed_starved(ch);
	hand_over(ch);
	*events = POLLIN;
	*fd = ch->ring.flight != 0 ? ch->ring.uring.ring_fd : -1;
	/* The descriptor shows what comes from here on, and what the kernel has put off. */
	return io_uring_sq_ready(&ch->ring.uring) != 0 || io_uring_cq_ready(&ch->ring.uring) != 0 ||
		ch->finished != 0 ||
		(IO_URING_READ_ONCE(*ch->ring.uring.sq.kflags) &
			(IORING_SQ_TASKRUN | IORING_SQ_CQ_OVERFLOW)) != 0;
}
