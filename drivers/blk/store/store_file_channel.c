/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A channel to a file, by an io_uring per worker.
 *
 * Each request is an op, which is in one place at a time:
 *
 *   submit -> pending (the ring is full) -> the ring -> finished
 *                ^  rest of it, or retry       |
 *                +-----------------------------+
 *   submit, or the ring -> starved (must be copied, no memory for that) -> pending
 *
 * The kernel writes from the front-end's memory. The data is copied only if that is not possible:
 * direct I/O restricts addresses and lengths of pieces, and devices cannot use some mappings
 * (foreign pages of a hypervisor).
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

/* Track whether writes succeed. Ignore errors that say nothing about the medium. */
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

/* Keep the order: pending ops would starve if later ones overtook them. */
static void
op_start(struct channel *ch, struct blk_file_op *op)
{
	if (!STAILQ_EMPTY(&ch->pending) || !blk_file_ring_put(&ch->ring, op))
		STAILQ_INSERT_TAIL(&ch->pending, op, next);
}

/* Fill the ring with pending ops, submit it. Entries that the kernel does not accept now stay. */
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

/* @return true when direct I/O accepts the pieces */
static bool
pieces_fit(const struct blk_file *f, const struct blk_io *io)
{
	for (uint32_t i = 0; f->direct && i < io->iovcnt; i++)
		if (((uintptr_t)io->iov[i].iov_base & (f->memory_align - 1)) != 0 ||
			(io->iov[i].iov_len & (f->base.info.block_size - 1)) != 0)
			return false;
	return true;
}

/* @return false: no memory now */
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

/* Retry starved ops: a copy or a reader may have freed memory. */
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
		/* End of file inside a block, or medium full: continue at the block start. */
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
	/* The file was truncated, or a write made no progress for no known reason. */
	else if (res == 0)
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

/* Zero a range in the next best way. -EINVAL: the device refuses this range only. */
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
	/* A discard is a hint: ignore that the file does not support it. */
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
	/* The descriptor signals new events only: check for present and deferred ones. */
	return io_uring_sq_ready(&ch->ring.uring) != 0 || io_uring_cq_ready(&ch->ring.uring) != 0 ||
		ch->finished != 0 ||
		(IO_URING_READ_ONCE(*ch->ring.uring.sq.kflags) &
			(IORING_SQ_TASKRUN | IORING_SQ_CQ_OVERFLOW)) != 0;
}
