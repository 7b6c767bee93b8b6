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

#include <assert.h>
#include <errno.h>
#include <liburing.h>
#include <linux/falloc.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include <fido/atomic.h>
#include <fido/log.h>

#include "copies.h"
#include "zeros.h"

/* Entries of the ring: of one batch, and of what is in flight in all. */
#define RING_BATCH 256
#define RING_FLIGHT 1024
/* The kernel takes no longer registered buffers. */
#define FIXED_SHIFT 30
#define FIXED_MAX 64
#define SLAB_OPS 64

static_assert(UINT64_C(1) << FIXED_SHIFT >= BLK_BUFFER_MAX,
	"no piece is in two registered buffers");

/* What of an op is in the ring, or is to go there next. */
enum step {
	STEP_READ,
	STEP_WRITE,
	STEP_DISCARD,
	STEP_ZERO_RANGE,
	STEP_ZERO_PUNCH,
	STEP_ZERO_WRITE,
	STEP_SYNC, /* the end of a flush, and of what the kernel cannot make durable by a flag */
};

struct op {
	STAILQ_ENTRY(op) next;
	struct blk_io *io;
	char *copy; /* of what is written; NULL: it is written from where it is */
	uint64_t done;
	enum step step;
};

STAILQ_HEAD(op_list, op);

struct slab {
	struct slab *next;
	struct op ops[SLAB_OPS];
};

struct channel {
	struct blk_channel base;
	struct blk_file *file;
	struct io_uring ring;
	int fd; /* the file, as the ring knows it */
	uint8_t fd_flag;
	bool fixed;      /* the ring knows the worker's buffers */
	uint32_t flight; /* ops in the ring */
	uint32_t room;   /* how many there can be */
	unsigned int finished;
	struct op_list pending;
	struct op_list starved;
	struct blk_copies copies;
	struct op_list free;
	struct slab *slabs;
};

/* ---- ops ---- */

static struct op *
op_get(struct channel *ch, struct blk_io *io)
{
	struct op *op;

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
	*op = (struct op){.io = io};
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
op_finish(struct channel *ch, struct op *op, int error)
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

/* @return the registered buffer that p is in; -1: none */
static int
fixed_index(const struct channel *ch, const void *p)
{
	size_t offset =
		(size_t)((const char *)p - (const char *)blk_buffers_base(ch->copies.buffers));

	return ch->fixed && offset < blk_buffers_size(ch->copies.buffers)
		? (int)(offset >> FIXED_SHIFT)
		: -1;
}

static void
prep_read(const struct channel *ch, const struct op *op, struct io_uring_sqe *sqe)
{
	const struct blk_io *io = op->io;
	char *p = (char *)io->iov[0].iov_base + op->done;
	unsigned int len = (unsigned int)(io->length - op->done);
	int fixed = fixed_index(ch, p);

	if (fixed >= 0)
		io_uring_prep_read_fixed(sqe, ch->fd, p, len, io->offset + op->done, fixed);
	else
		io_uring_prep_read(sqe, ch->fd, p, len, io->offset + op->done);
}

/* All pieces together; what is left over of them a piece at a time. */
static void
prep_write(const struct channel *ch, const struct op *op, struct io_uring_sqe *sqe)
{
	const struct blk_io *io = op->io;
	const struct iovec *v = io->iov;
	uint64_t offset = io->offset + op->done, skip = op->done;

	if (op->copy != NULL) {
		unsigned int len = (unsigned int)(io->length - op->done);
		int fixed = fixed_index(ch, op->copy);

		if (fixed >= 0)
			io_uring_prep_write_fixed(sqe, ch->fd, op->copy + op->done, len, offset,
				fixed);
		else
			io_uring_prep_write(sqe, ch->fd, op->copy + op->done, len, offset);
	} else if (op->done == 0 && io->iovcnt > 1) {
		io_uring_prep_writev(sqe, ch->fd, v, io->iovcnt, offset);
	} else {
		for (; skip >= v->iov_len; v++)
			skip -= v->iov_len;
		io_uring_prep_write(sqe, ch->fd, (char *)v->iov_base + skip,
			(unsigned int)(v->iov_len - skip), offset);
	}
	sqe->rw_flags = io->fua ? RWF_DSYNC : 0;
}

static void
prep_zeros(const struct channel *ch, const struct op *op, struct io_uring_sqe *sqe)
{
	static const struct iovec many[] = {
#define ZEROS {blk_zeros, BLK_ZEROS_SIZE}
		ZEROS,
		ZEROS,
		ZEROS,
		ZEROS,
		ZEROS,
		ZEROS,
		ZEROS,
		ZEROS,
		ZEROS,
		ZEROS,
		ZEROS,
		ZEROS,
		ZEROS,
		ZEROS,
		ZEROS,
		ZEROS,
#undef ZEROS
	};
	const uint64_t max = sizeof(many) / sizeof(many[0]);
	uint64_t len = op->io->length - op->done, n = len / BLK_ZEROS_SIZE;

	if (n != 0)
		io_uring_prep_writev(sqe, ch->fd, many, (unsigned int)(n < max ? n : max),
			op->io->offset + op->done);
	else
		io_uring_prep_write(sqe, ch->fd, blk_zeros, (unsigned int)len,
			op->io->offset + op->done);
	sqe->rw_flags = op->io->fua ? RWF_DSYNC : 0;
}

static void
op_prep(const struct channel *ch, const struct op *op, struct io_uring_sqe *sqe)
{
	const struct blk_io *io = op->io;
	int how = FALLOC_FL_KEEP_SIZE |
		(op->step == STEP_ZERO_RANGE ? FALLOC_FL_ZERO_RANGE : FALLOC_FL_PUNCH_HOLE);

	switch (op->step) {
	case STEP_READ:
		prep_read(ch, op, sqe);
		break;
	case STEP_WRITE:
		prep_write(ch, op, sqe);
		break;
	case STEP_DISCARD:
	case STEP_ZERO_RANGE:
	case STEP_ZERO_PUNCH:
		io_uring_prep_fallocate(sqe, ch->fd, how, (off_t)io->offset, (off_t)io->length);
		break;
	case STEP_ZERO_WRITE:
		prep_zeros(ch, op, sqe);
		break;
	case STEP_SYNC:
		io_uring_prep_fsync(sqe, ch->fd, IORING_FSYNC_DATASYNC);
		break;
	}
	sqe->flags |= ch->fd_flag;
	io_uring_sqe_set_data(sqe, (void *)(uintptr_t)op);
}

/* Later ones do not overtake: what waits would wait for ever. */
static void
op_start(struct channel *ch, struct op *op)
{
	struct io_uring_sqe *sqe = NULL;

	if (STAILQ_EMPTY(&ch->pending) && ch->flight < ch->room)
		sqe = io_uring_get_sqe(&ch->ring);
	if (sqe == NULL) {
		STAILQ_INSERT_TAIL(&ch->pending, op, next);
		return;
	}
	op_prep(ch, op, sqe);
	ch->flight++;
}

/* Give the ring what waits, and the kernel the ring. What the kernel does not take now is left for the next time. */
static void
hand_over(struct channel *ch)
{
	struct io_uring_sqe *sqe;

	do {
		while (!STAILQ_EMPTY(&ch->pending) && ch->flight < ch->room) {
			sqe = io_uring_get_sqe(&ch->ring);
			if (sqe == NULL)
				break;
			op_prep(ch, STAILQ_FIRST(&ch->pending), sqe);
			STAILQ_REMOVE_HEAD(&ch->pending, next);
			ch->flight++;
		}
		if (io_uring_sq_ready(&ch->ring) == 0)
			break;
	} while (io_uring_submit(&ch->ring) > 0 && !STAILQ_EMPTY(&ch->pending) &&
		ch->flight < ch->room);
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
copy_make(struct channel *ch, struct op *op)
{
	op->copy = blk_copies_make(&ch->copies, ch->base.store, op->io);
	return op->copy != NULL;
}

static void
start_copied(struct channel *ch, struct op *op)
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
	struct op *op;

	while ((op = STAILQ_FIRST(&ch->starved)) != NULL && copy_make(ch, op)) {
		STAILQ_REMOVE_HEAD(&ch->starved, next);
		op_start(ch, op);
	}
}

/* ---- out of the ring ---- */

static void
transfer_goes_on(struct channel *ch, struct op *op, uint32_t n)
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
transfer_ended(struct channel *ch, struct op *op, int res)
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
zero_otherwise(struct channel *ch, struct op *op, int res)
{
	uint32_t next = op->step == STEP_ZERO_RANGE ? BLK_FILE_ZERO_PUNCH : BLK_FILE_ZERO_WRITE;

	if (is_unsupported(res) && fido_load_relaxed(&ch->file->zero) < next)
		fido_store_relaxed(&ch->file->zero, next);
	op->step = STEP_ZERO_RANGE + next;
	op_start(ch, op);
}

static void
range_ended(struct channel *ch, struct op *op, int res)
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
op_ended(struct channel *ch, struct op *op, int res)
{
	ch->flight--;
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

/*
 * Completions need no interrupt of this thread: it looks. Not DEFER_TASKRUN: the ring's descriptor does not turn ready for
 * what is deferred (tried on 6.18: the sleeper is not woken), and it was not faster by more than the noise.
 */
static int
ring_open(struct io_uring *ring)
{
	static const uint32_t flags[] = {
		IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG |
			IORING_SETUP_SUBMIT_ALL, /* 6.0 */
		IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG |
			IORING_SETUP_SUBMIT_ALL, /* 5.19 */
		0,
	};
	int ret = -EINVAL;

	for (unsigned int i = 0; i < sizeof(flags) / sizeof(flags[0]) && ret == -EINVAL; i++) {
		struct io_uring_params params = {.flags = flags[i] | IORING_SETUP_CQSIZE |
				IORING_SETUP_CLAMP,
			.cq_entries = RING_FLIGHT};

		ret = io_uring_queue_init_params(RING_BATCH, ring, &params);
	}
	return ret;
}

static void
ring_open_failed(const struct blk_file *f, int err)
{
	const char *todo = "";

	if (err == EPERM || err == EACCES || err == ENOSYS)
		todo = ": allow it (sysctl kernel.io_uring_disabled=0; in a container, its seccomp "
		       "profile)";
	else if (err == ENOMEM)
		todo = ": raise the limit of locked memory (ulimit -l)";
	fido_log(FIDO_LOG_ERROR, "volume %s: cannot make an io_uring: %s%s", f->volume,
		strerror(err), todo);
}

/* Each part saves work where the kernel allows it; without it things work as well. */
static void
ring_register(struct channel *ch)
{
	struct iovec v[FIXED_MAX];
	char *base = blk_buffers_base(ch->copies.buffers);
	size_t size = blk_buffers_size(ch->copies.buffers), n = 0;

	io_uring_register_ring_fd(&ch->ring);
	ch->fd = ch->file->fd;
	if (io_uring_register_files(&ch->ring, &ch->fd, 1) == 0) {
		ch->fd = 0;
		ch->fd_flag = IOSQE_FIXED_FILE;
	}
	/* Through the page cache memory is copied, whether its pages are known or not. */
	if (!ch->file->direct || size > (size_t)FIXED_MAX << FIXED_SHIFT)
		return;
	for (size_t at = 0; at < size; at += v[n++].iov_len) {
		v[n].iov_base = base + at;
		v[n].iov_len =
			size - at < (size_t)1 << FIXED_SHIFT ? size - at : (size_t)1 << FIXED_SHIFT;
	}
	ch->fixed = io_uring_register_buffers(&ch->ring, v, (unsigned int)n) == 0;
}

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
	ret = ring_open(&ch->ring);
	if (ret != 0) {
		ring_open_failed(ch->file, -ret);
		free(ch);
		return ret;
	}
	ch->room = *ch->ring.cq.kring_entries;
	ring_register(ch);
	*out = &ch->base;
	return 0;
}

void
blk_file_channel_close(struct blk_channel *channel)
{
	struct channel *ch = (struct channel *)channel;

	/*
	 * Nothing is in flight, but where a worker that stops has waited for a device for long enough. The kernel takes the ring
	 * down some time later; the file is not to be open for that long.
	 */
	if (ch->fd_flag != 0 && ch->flight == 0)
		io_uring_unregister_files(&ch->ring);
	io_uring_queue_exit(&ch->ring);
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
	struct op *op = op_get(ch, io);

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
		n = io_uring_peek_batch_cqe(&ch->ring, cqes, sizeof(cqes) / sizeof(cqes[0]));
		for (unsigned int i = 0; i < n; i++)
			op_ended(ch, io_uring_cqe_get_data(cqes[i]), cqes[i]->res);
		io_uring_cq_advance(&ch->ring, n);
	} while (n == sizeof(cqes) / sizeof(cqes[0]));
	if (io_uring_sq_ready(&ch->ring) != 0 || !STAILQ_EMPTY(&ch->pending))
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
	*fd = ch->flight != 0 ? ch->ring.ring_fd : -1;
	/* The descriptor shows what comes from here on, and what the kernel has put off. */
	return io_uring_sq_ready(&ch->ring) != 0 || io_uring_cq_ready(&ch->ring) != 0 ||
		ch->finished != 0 ||
		(IO_URING_READ_ONCE(*ch->ring.sq.kflags) &
			(IORING_SQ_TASKRUN | IORING_SQ_CQ_OVERFLOW)) != 0;
}
