/* SPDX-License-Identifier: BSD-3-Clause */
/* The io_uring of a channel: open it, fill its entries. */

#include "store_file_ring.h"

#include <assert.h>
#include <errno.h>
#include <linux/falloc.h>
#include <string.h>

#include <fido/log.h>

#include "zeros.h"

/* Entries per batch; entries in flight. */
#define RING_BATCH 256
#define RING_FLIGHT 1024
/* The kernel limits a registered buffer to 1 GiB. */
#define FIXED_SHIFT 30
#define FIXED_MAX 64

static_assert(UINT64_C(1) << FIXED_SHIFT >= BLK_BUFFER_MAX,
	"no piece is in two registered buffers");

/* ---- into the ring ---- */

/* @return index of the registered buffer that contains p; -1: none */
static int
fixed_index(const struct blk_file_ring *r, const void *p)
{
	size_t offset = (size_t)((const char *)p - (const char *)blk_buffers_base(r->buffers));

	if (!r->fixed || offset >= blk_buffers_size(r->buffers))
		return -1;
	return (int)(offset >> FIXED_SHIFT);
}

static void
prep_read(const struct blk_file_ring *r, const struct blk_file_op *op, struct io_uring_sqe *sqe)
{
	const struct blk_io *io = op->io;
	char *p = (char *)io->iov[0].iov_base + op->done;
	unsigned int len = (unsigned int)(io->length - op->done);
	int fixed = fixed_index(r, p);

	if (fixed >= 0)
		io_uring_prep_read_fixed(sqe, r->fd, p, len, io->offset + op->done, fixed);
	else
		io_uring_prep_read(sqe, r->fd, p, len, io->offset + op->done);
}

/* Write all pieces at once; after a partial write, the rest piece by piece. */
static void
prep_write(const struct blk_file_ring *r, const struct blk_file_op *op, struct io_uring_sqe *sqe)
{
	const struct blk_io *io = op->io;
	const struct iovec *v = io->iov;
	uint64_t offset = io->offset + op->done, skip = op->done;

	if (op->copy != NULL) {
		unsigned int len = (unsigned int)(io->length - op->done);
		int fixed = fixed_index(r, op->copy);

		if (fixed >= 0)
			io_uring_prep_write_fixed(sqe, r->fd, op->copy + op->done, len, offset,
				fixed);
		else
			io_uring_prep_write(sqe, r->fd, op->copy + op->done, len, offset);
	} else if (op->done == 0 && io->iovcnt > 1) {
		io_uring_prep_writev(sqe, r->fd, v, io->iovcnt, offset);
	} else {
		for (; skip >= v->iov_len; v++)
			skip -= v->iov_len;
		io_uring_prep_write(sqe, r->fd, (char *)v->iov_base + skip,
			(unsigned int)(v->iov_len - skip), offset);
	}
	sqe->rw_flags = io->fua ? RWF_DSYNC : 0;
}

static void
prep_zeros(const struct blk_file_ring *r, const struct blk_file_op *op, struct io_uring_sqe *sqe)
{
	static const struct iovec many[] = {
#define ZEROS {blk_zeros, BLK_ZEROS_SIZE}
		ZEROS, ZEROS, ZEROS, ZEROS, ZEROS, ZEROS, ZEROS, ZEROS, ZEROS, ZEROS, ZEROS, ZEROS,
		ZEROS, ZEROS, ZEROS, ZEROS
#undef ZEROS
	};
	const uint64_t max = sizeof(many) / sizeof(many[0]);
	uint64_t len = op->io->length - op->done, n = len / BLK_ZEROS_SIZE;

	if (n != 0)
		io_uring_prep_writev(sqe, r->fd, many, (unsigned int)(n < max ? n : max),
			op->io->offset + op->done);
	else
		io_uring_prep_write(sqe, r->fd, blk_zeros, (unsigned int)len,
			op->io->offset + op->done);
	sqe->rw_flags = op->io->fua ? RWF_DSYNC : 0;
}

static void
op_prep(const struct blk_file_ring *r, const struct blk_file_op *op, struct io_uring_sqe *sqe)
{
	const struct blk_io *io = op->io;
	int how = FALLOC_FL_KEEP_SIZE |
		(op->step == STEP_ZERO_RANGE ? FALLOC_FL_ZERO_RANGE : FALLOC_FL_PUNCH_HOLE);

	switch (op->step) {
	case STEP_READ:
		prep_read(r, op, sqe);
		break;
	case STEP_WRITE:
		prep_write(r, op, sqe);
		break;
	case STEP_DISCARD:
	case STEP_ZERO_RANGE:
	case STEP_ZERO_PUNCH:
		io_uring_prep_fallocate(sqe, r->fd, how, (off_t)io->offset, (off_t)io->length);
		break;
	case STEP_ZERO_WRITE:
		prep_zeros(r, op, sqe);
		break;
	case STEP_SYNC:
		io_uring_prep_fsync(sqe, r->fd, IORING_FSYNC_DATASYNC);
		break;
	}
	sqe->flags |= r->fd_flag;
	io_uring_sqe_set_data(sqe, (void *)(uintptr_t)op);
}

bool
blk_file_ring_put(struct blk_file_ring *r, const struct blk_file_op *op)
{
	struct io_uring_sqe *sqe = r->flight < r->room ? io_uring_get_sqe(&r->uring) : NULL;

	if (sqe == NULL)
		return false;
	op_prep(r, op, sqe);
	r->flight++;
	return true;
}

/* ---- opening and closing ---- */

/*
 * Completions need not interrupt this thread, which polls. Not DEFER_TASKRUN: the ring's descriptor
 * does not become ready for deferred work (tested on 6.18: the sleeper is not woken), and any gain
 * in speed was within the noise.
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
	fido_log(FIDO_LOG_ERROR, "volume %s: cannot create an io_uring: %s%s", f->volume,
		strerror(err), todo);
}

/* Optional: each registration saves work if the kernel allows it. */
static void
ring_register(struct blk_file_ring *r, const struct blk_file *f)
{
	struct iovec v[FIXED_MAX];
	char *base = blk_buffers_base(r->buffers);
	size_t size = blk_buffers_size(r->buffers), n = 0;

	io_uring_register_ring_fd(&r->uring);
	r->fd = f->fd;
	if (io_uring_register_files(&r->uring, &r->fd, 1) == 0) {
		r->fd = 0;
		r->fd_flag = IOSQE_FIXED_FILE;
	}
	/* The page cache copies data in any case: registered buffers save nothing. */
	if (!f->direct || size > (size_t)FIXED_MAX << FIXED_SHIFT)
		return;
	for (size_t at = 0; at < size; at += v[n++].iov_len) {
		v[n].iov_base = base + at;
		v[n].iov_len =
			size - at < (size_t)1 << FIXED_SHIFT ? size - at : (size_t)1 << FIXED_SHIFT;
	}
	r->fixed = io_uring_register_buffers(&r->uring, v, (unsigned int)n) == 0;
}

int
blk_file_ring_open(struct blk_file_ring *r, const struct blk_file *f, struct blk_buffers *buffers)
{
	int ret = ring_open(&r->uring);

	if (ret != 0) {
		ring_open_failed(f, -ret);
		return ret;
	}
	r->buffers = buffers;
	r->room = *r->uring.cq.kring_entries;
	ring_register(r, f);
	return 0;
}

void
blk_file_ring_close(struct blk_file_ring *r)
{
	/*
	 * Nothing is in flight, unless a stopping worker gave up waiting for a device. The kernel
	 * tears the ring down later; the file must not stay open until then.
	 */
	if (r->fd_flag != 0 && r->flight == 0)
		io_uring_unregister_files(&r->uring);
	io_uring_queue_exit(&r->uring);
}
