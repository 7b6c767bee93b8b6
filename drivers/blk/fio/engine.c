/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * fio's ioengine for block volumes of another domain. fio's buffers are in an arena: what is
 * written is not copied. Reads lend the backend's memory; fio does not look at what it reads,
 * unless it verifies: then the lent memory is copied to fio's buffer.
 */
#include "fio_config.h"

#include <errno.h>

#include <fio.h>

#include "engine.h"

/* Completions polled at a time. */
#define BURST 32u
/* Empty polls until the clock is asked. */
#define POLLS 4096u
/* When the job is over: how long to wait while no answer comes. */
#define STOP_US 5000000u

/* ---- every byte ---- */

static void
add_up(struct engine *e, const void *memory, size_t length)
{
	uint64_t word;

	for (size_t i = 0; i + sizeof(word) <= length; i += sizeof(word)) {
		memcpy(&word, (const char *)memory + i, sizeof(word));
		e->sum += word;
	}
}

/* Other contents each time, as cheap as they come. What fio verifies is fio's. */
static void
make_anew(struct engine *e, void *memory, size_t length)
{
	uint64_t word = e->sum++;

	for (size_t i = 0; !e->copies && i + sizeof(word) <= length; i += sizeof(word)) {
		memcpy((char *)memory + i, &word, sizeof(word));
		word += UINT64_C(0x9e3779b97f4a7c15);
	}
}

/* ---- requests ---- */

static void
finish(struct engine *e, struct io_u *io_u, int error)
{
	io_u->error = (unsigned int)error;
	e->done[e->done_count++] = io_u;
}

/* @return false: no request of a volume */
static bool
make_request(struct engine *e, struct io_u *io_u, struct fido_blk_request *r, struct iovec *iov)
{
	*r = (struct fido_blk_request){.cookie = io_u,
		.offset = io_u->offset,
		.length = io_u->xfer_buflen};
	switch (io_u->ddir) {
	case DDIR_READ:
		r->op = FIDO_BLK_READ;
		r->flags = e->lends ? FIDO_BLK_LEND : 0;
		break;
	case DDIR_WRITE:
		r->op = FIDO_BLK_WRITE;
		r->flags = e->change_flags;
		break;
	case DDIR_TRIM:
		r->op = FIDO_BLK_DISCARD;
		r->flags = e->change_flags;
		break;
	case DDIR_SYNC:
	case DDIR_DATASYNC:
	case DDIR_SYNC_FILE_RANGE:
		*r = (struct fido_blk_request){.cookie = io_u, .op = FIDO_BLK_FLUSH};
		break;
	default:
		return false;
	}
	if (io_u->ddir == DDIR_WRITE && e->touches)
		make_anew(e, io_u->xfer_buf, io_u->xfer_buflen);
	if (io_u->ddir == DDIR_WRITE || (io_u->ddir == DDIR_READ && !e->lends)) {
		*iov = (struct iovec){.iov_base = io_u->xfer_buf, .iov_len = io_u->xfer_buflen};
		r->iov = iov;
		r->iovcnt = 1;
	}
	return true;
}

static enum fio_q_status
fido_queue(struct thread_data *td, struct io_u *io_u)
{
	struct engine *e = td->io_ops_data;
	unsigned int i = e->pending_count;

	fio_ro_check(td, io_u);
	/* Without flush, what is written is durable, or the volume is not made to last. */
	if (ddir_sync(io_u->ddir) && !e->can_flush)
		return FIO_Q_COMPLETED;
	if (i == e->depth)
		return FIO_Q_BUSY;
	if (!make_request(e, io_u, &e->pending[i], &e->iov[i])) {
		io_u->error = EINVAL;
		return FIO_Q_COMPLETED;
	}
	e->pending_count++;
	return FIO_Q_QUEUED;
}

/* What cannot be submitted completes with the error. */
static int
fido_commit(struct thread_data *td)
{
	struct engine *e = td->io_ops_data;
	unsigned int at = 0;

	while (at < e->pending_count) {
		int n = fido_blk_submit(e->volume.q, &e->pending[at], e->pending_count - at);

		if (n == 0)
			break;
		if (n < 0)
			finish(e, e->pending[at].cookie, -n);
		at += n < 0 ? 1 : (unsigned int)n;
	}
	e->pending_count -= at;
	memmove(e->pending, e->pending + at, e->pending_count * sizeof(e->pending[0]));
	return 0;
}

/* ---- completions ---- */

/* fio wants to look at it in its own buffer. */
static void
copy_lent(const struct fido_blk_completion *c, struct io_u *io_u)
{
	size_t at = 0;

	for (unsigned int i = 0; i < c->iovcnt && at + c->iov[i].iov_len <= io_u->xfer_buflen;
		i++) {
		memcpy((char *)io_u->xfer_buf + at, c->iov[i].iov_base, c->iov[i].iov_len);
		at += c->iov[i].iov_len;
	}
	if (at != io_u->xfer_buflen)
		io_u->error = EPROTO;
}

static unsigned int
take(struct engine *e)
{
	struct fido_blk_completion completions[BURST];
	struct fido_blk_lent *lent[BURST];
	unsigned int n = fido_blk_poll(e->volume.q, completions, BURST), lent_count = 0;

	for (unsigned int i = 0; i < n; i++) {
		const struct fido_blk_completion *c = &completions[i];
		struct io_u *io_u = c->cookie;

		finish(e, io_u, -c->error);
		if (e->touches && io_u->ddir == DDIR_READ && !e->lends)
			add_up(e, io_u->xfer_buf, io_u->xfer_buflen);
		if (c->lent == NULL)
			continue;
		for (unsigned int k = 0; e->touches && k < c->iovcnt; k++)
			add_up(e, c->iov[k].iov_base, c->iov[k].iov_len);
		if (e->copies)
			copy_lent(c, io_u);
		lent[lent_count++] = c->lent;
	}
	if (lent_count != 0)
		fido_blk_release(e->volume.q, lent, lent_count);
	return n;
}

static bool
is_over(const struct thread_data *td)
{
	return td->terminate ||
		(td->o.timeout != 0 && utime_since_now(&td->epoch) >= td->o.timeout);
}

/* A backend that is away does not keep a job that is over. */
static bool
gives_up(struct thread_data *td, struct engine *e)
{
	const struct fio_fido_options *o = td->eo;

	if (e->gave_up || !is_over(td))
		return e->gave_up;
	if (!e->ends) {
		e->ends = true;
		fio_gettime(&e->end, NULL);
	}
	if (utime_since_now(&e->end) < STOP_US)
		return false;
	e->gave_up = true;
	log_err("fio: fido: volume %s: %u requests were not answered: is the backend gone? Start it again\n",
		o->volume, fido_blk_inflight(e->volume.q));
	return true;
}

/* @return how many are done, -ETIMEDOUT: fewer than min, and no more will come */
static int
wait_for(struct thread_data *td, struct engine *e, unsigned int min)
{
	unsigned int polls = 0;

	if (!e->gave_up)
		take(e);
	while (e->done_count < min) {
		if (e->gave_up)
			return -ETIMEDOUT;
		if (e->pending_count != 0)
			fido_commit(td);
		if (take(e) != 0) {
			polls = 0;
			e->ends = false;
			continue;
		}
		if (e->sleeps)
			fio_volume_sleep(&e->volume);
		if ((e->sleeps || ++polls % POLLS == 0) && gives_up(td, e))
			return -ETIMEDOUT;
	}
	return (int)e->done_count;
}

static int
fido_getevents(struct thread_data *td, unsigned int min, unsigned int max,
	const struct timespec *timeout)
{
	struct engine *e = td->io_ops_data;
	int n;

	(void)timeout; /* fio gives one with min = 0 only */
	e->done_count -= e->given;
	memmove(e->done, e->done + e->given, e->done_count * sizeof(e->done[0]));
	e->given = 0;
	n = wait_for(td, e, min);
	if (n < 0)
		return n;
	e->given = (unsigned int)n < max ? (unsigned int)n : max;
	return (int)e->given;
}

static struct io_u *
fido_event(struct thread_data *td, int i)
{
	struct engine *e = td->io_ops_data;

	return e->done[i];
}

/* ---- what fio does with files ---- */

static int
no_file(struct thread_data *td, struct fio_file *f)
{
	(void)td;
	(void)f;
	return 0;
}

/* fio looks for it by this name. */
__attribute__((visibility("default"))) struct ioengine_ops ioengine = {
	.name = "fido",
	.version = FIO_IOOPS_VERSION,
	/* Threads that submit for a job would need a domain each. */
	.flags = FIO_DISKLESSIO | FIO_NOEXTEND | FIO_NODISKUTIL | FIO_NO_OFFLOAD,
	.setup = fio_fido_setup,
	.init = fio_fido_init,
	.post_init = fio_fido_post_init,
	.cleanup = fio_fido_cleanup,
	.iomem_alloc = fio_fido_iomem_alloc,
	.iomem_free = fio_fido_iomem_free,
	.queue = fido_queue,
	.commit = fido_commit,
	.getevents = fido_getevents,
	.event = fido_event,
	.open_file = no_file,
	.close_file = no_file,
	.invalidate = no_file,
	.options = fio_fido_options,
	.option_struct_size = sizeof(struct fio_fido_options),
};
