/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * fio's ioengine for block volumes of another domain. fio's buffers are in an arena: what is written is not copied. Reads lend
 * the backend's memory; fio does not look at what it reads, unless it verifies: then the lent memory is copied to fio's buffer.
 *
 * fio calls setup() in its first process, the others in the job's own thread or process: only the size of the volume is kept
 * of the former. The volume is opened when the buffers are there: the backend maps them before it answers.
 */
#include "fio_config.h"

#include <errno.h>
#include <inttypes.h>

#include <fio.h>
#include <verify.h>
#if __has_include(<fio_built_for.h>)
#include <fio_built_for.h> /* by setup.sh: the version of these headers */
#endif

#include "options.h"
#include "volume.h"

/* Completions polled at a time. */
#define BURST 32u
/* Empty polls until the clock is asked. */
#define POLLS 4096u
/* When the job is over: how long to wait while no answer comes. */
#define STOP_US 5000000u

struct engine {
	struct fio_volume volume;
	bool lends;
	bool copies;           /* fio looks at what it reads */
	bool touches;          /* every byte is used */
	uint64_t sum;          /* of what was read: so that it has to be */
	bool sleeps;
	bool can_flush;
	uint32_t change_flags; /* FIDO_BLK_FUA, of writes */
	struct fido_blk_request *pending; /* queued, and not submitted yet */
	struct iovec *iov;                /* of each of these */
	unsigned int pending_count;
	unsigned int depth;
	struct io_u **done; /* complete, in the order in which they came */
	unsigned int done_count;
	unsigned int given; /* of these, what fio got from the last getevents() */
	struct timespec end; /* since when the job is over and nothing has come */
	bool ends;
	bool gave_up;
};

/* ---- the volume ---- */

static int
refuse(const struct thread_data *td, const char *why)
{
	const struct fio_fido_options *o = td->eo;

	log_err("fio: fido: volume %s of %s: %s\n", o->volume, o->backend != NULL ? o->backend : "disk", why);
	return EINVAL;
}

/* libfido says what to do about its part; what to do with our options is added. */
static void
explain(int err)
{
	if (err == -ETIMEDOUT)
		log_err("fio: fido: connect_timeout= waits longer\n");
	else if (err == -EBUSY)
		log_err("fio: fido: end the other client, or leave exclusive= out in both\n");
	else if (err == -EROFS)
		log_err("fio: fido: use rw=read or rw=randread\n");
}

static void
name_domain(const struct thread_data *td, char *name, size_t size)
{
	const struct fio_fido_options *o = td->eo;

	if (o->domain == NULL)
		snprintf(name, size, "fio-%d-%u", (int)getpid(), td->thread_number);
	else if (td->o.numjobs > 1 || td->subjob_number != 0) /* the clones of a job have numjobs=1 */
		snprintf(name, size, "%s-%u", o->domain, td->subjob_number);
	else
		snprintf(name, size, "%s", o->domain);
}

static bool
changes(const struct thread_data *td)
{
	return td_write(td) || td_trim(td);
}

/* @return 0, errno: a message was written */
static int
join_group(const struct thread_data *td, struct fio_volume *v)
{
	const struct fio_fido_options *o = td->eo;
	char domain[2 * FIDO_NAME_MAX];
	struct fio_volume_config config = {
		.group = o->group,
		.domain = domain,
		.no_hugepages = o->hugepages == 0,
	};
	int ret;

	name_domain(td, domain, sizeof(domain));
	ret = fio_volume_join(v, &config);
	if (ret == -EEXIST)
		log_err("fio: fido: give another domain= than %s, or leave it out\n", domain);
	return -ret;
}

/* @param for_size only its size is asked for @return 0, errno: a message was written */
static int
open_volume(const struct thread_data *td, struct fio_volume *v, bool for_size)
{
	const struct fio_fido_options *o = td->eo;
	struct fio_volume_config config = {
		.backend = o->backend != NULL ? o->backend : "disk",
		.volume = o->volume,
		.depth = for_size ? 1 : td->o.iodepth,
		.timeout_ms = o->connect_timeout > 0 ? (int)o->connect_timeout * 1000 : 1,
		.read_only = for_size || !changes(td),
		.exclusive = !for_size && o->exclusive != 0,
	};
	int ret = fio_volume_open(v, &config);

	if (ret != 0)
		explain(ret);
	return -ret;
}

/* ---- set-up ---- */

/* Structures that fio and an engine share change from version to version. */
static int
check_version(void)
{
#ifdef FIO_BUILT_FOR
	if (strcmp(fio_version_string, FIO_BUILT_FOR) != 0) {
		log_err("fio: fido: this is %s, and the engine was built for %s: build it again with the headers of this one\n",
			fio_version_string, FIO_BUILT_FOR);
		return EINVAL;
	}
#endif
	return 0;
}

static int
check_options(struct thread_data *td)
{
	const struct fio_fido_options *o = td->eo;

	if (o->group == NULL || o->volume == NULL) {
		log_err("fio: fido: no %s: give group=GROUP and volume=NAME\n", o->group == NULL ? "group" : "volume");
		return EINVAL;
	}
	if (td->o.iodepth > FIDO_BLK_DEPTH_MAX) {
		log_err("fio: fido: iodepth=%u: a queue has at most %d requests: give less, or numjobs=\n", td->o.iodepth,
			FIDO_BLK_DEPTH_MAX);
		return EINVAL;
	}
	return 0;
}

static int
fido_setup(struct thread_data *td)
{
	struct fio_volume v;
	int ret = check_version();

	if (ret != 0)
		return ret;
	ret = check_options(td);
	if (ret == 0)
		ret = join_group(td, &v);
	if (ret != 0) {
		td->error = ret;
		return ret;
	}
	ret = open_volume(td, &v, true);
	if (ret != 0) {
		fio_volume_close(&v);
		td->error = ret;
		return ret;
	}
	/* fio works on files. */
	if (td->files_index == 0) {
		add_file(td, ((struct fio_fido_options *)td->eo)->volume, 0, 0);
		td->o.nr_files = td->o.nr_files != 0 ? td->o.nr_files : 1;
		td->o.open_files++;
	}
	td->files[0]->real_file_size = fido_blk_info(v.blk)->size;
	fio_volume_close(&v);
	return 0;
}

static int
check_sizes(struct thread_data *td, const struct fido_blk_info *info)
{
	char why[128];

	for (int way = DDIR_READ; way <= DDIR_WRITE; way++) {
		if (td->o.max_bs[way] > info->max_transfer) {
			snprintf(why, sizeof(why), "a request has at most %" PRIu32 " bytes: bs= must not be more",
				info->max_transfer);
			return refuse(td, why);
		}
		if (td->o.min_bs[way] % info->block_size != 0) {
			snprintf(why, sizeof(why), "its blocks have %" PRIu32 " bytes: bs= must be a multiple",
				info->block_size);
			return refuse(td, why);
		}
	}
	return 0;
}

static int
check_features(struct thread_data *td, uint32_t features)
{
	if (td_trim(td) && (features & FIDO_BLK_CAN_DISCARD) == 0)
		return refuse(td, "it has no discard: use an rw= without trims");
	if (td->o.sync_io != 0 && (features & FIDO_BLK_CAN_FUA) == 0 && (features & FIDO_BLK_CAN_FLUSH) != 0)
		return refuse(td, "it has no FUA: use fsync=1 instead of sync=");
	return 0;
}

static void
free_engine(struct engine *e)
{
	fio_volume_close(&e->volume);
	free(e->pending);
	free(e->iov);
	free(e->done);
	free(e);
}

static int
allocate(struct thread_data *td, struct engine **out)
{
	struct engine *e = calloc(1, sizeof(*e));

	if (e == NULL)
		return ENOMEM;
	e->depth = td->o.iodepth;
	e->pending = calloc(e->depth, sizeof(e->pending[0]));
	e->iov = calloc(e->depth, sizeof(e->iov[0]));
	e->done = calloc(e->depth, sizeof(e->done[0]));
	if (e->pending == NULL || e->iov == NULL || e->done == NULL) {
		free_engine(e);
		return ENOMEM;
	}
	*out = e;
	return 0;
}

static int
fido_init(struct thread_data *td)
{
	const struct fio_fido_options *o = td->eo;
	struct engine *e;
	int ret = allocate(td, &e);

	if (ret != 0)
		return ret;
	ret = join_group(td, &e->volume);
	if (ret != 0) {
		free_engine(e);
		return ret;
	}
	e->lends = o->lend != 0;
	e->copies = td->o.verify != VERIFY_NONE;
	e->touches = o->touch != 0;
	e->sleeps = o->sleep != 0;
	td->io_ops_data = e;
	return 0;
}

static int
fido_post_init(struct thread_data *td)
{
	struct engine *e = td->io_ops_data;
	const struct fido_blk_info *info;

	/* fio 3.33 goes on without the buffers that it did not get. */
	if (td->error != 0)
		return td->error;
	td->error = open_volume(td, &e->volume, false);
	if (td->error != 0)
		return td->error;
	info = fido_blk_info(e->volume.blk);
	td->error = check_sizes(td, info);
	if (td->error == 0)
		td->error = check_features(td, info->features);
	e->can_flush = (info->features & FIDO_BLK_CAN_FLUSH) != 0;
	if (td->o.sync_io != 0 && (info->features & FIDO_BLK_CAN_FUA) != 0)
		e->change_flags = FIDO_BLK_FUA;
	return td->error;
}

/* On standard error: standard output may be JSON. */
static void
tell_counters(const struct thread_data *td, const struct engine *e)
{
	struct fido_blk_stats s;

	fido_blk_queue_stats(e->volume.q, &s);
	log_err("fio: fido: job %u: lent %" PRIu64 " copied_reads %" PRIu64 " writes %" PRIu64 " copied_writes %" PRIu64
		" flushes %" PRIu64 " discards %" PRIu64 " resent %" PRIu64 " sessions %" PRIu64 "\n", td->thread_number,
		s.lent, s.copied_reads, s.requests[FIDO_BLK_WRITE], s.copied_writes, s.requests[FIDO_BLK_FLUSH],
		s.requests[FIDO_BLK_DISCARD], s.resent, s.sessions);
}

static void
fido_cleanup(struct thread_data *td)
{
	const struct fio_fido_options *o = td->eo;
	struct engine *e = td->io_ops_data;

	if (e == NULL)
		return;
	if (o->counters != 0 && e->volume.q != NULL)
		tell_counters(td, e);
	free_engine(e);
	td->io_ops_data = NULL;
}

static int
fido_iomem_alloc(struct thread_data *td, size_t size)
{
	const struct fio_fido_options *o = td->eo;
	struct engine *e = td->io_ops_data;

	td->orig_buffer = fio_volume_buffers(&e->volume, size, o->arena != 0);
	return td->orig_buffer != NULL ? 0 : ENOMEM;
}

static void
fido_iomem_free(struct thread_data *td)
{
	struct engine *e = td->io_ops_data;

	if (e != NULL)
		fio_volume_buffers_free(&e->volume);
}

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
	*r = (struct fido_blk_request){.cookie = io_u, .offset = io_u->offset, .length = io_u->xfer_buflen};
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

	for (unsigned int i = 0; i < c->iovcnt && at + c->iov[i].iov_len <= io_u->xfer_buflen; i++) {
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
	return td->terminate || (td->o.timeout != 0 && utime_since_now(&td->epoch) >= td->o.timeout);
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
	log_err("fio: fido: volume %s: %u requests were not answered: is the backend gone? Start it again\n", o->volume,
		fido_blk_inflight(e->volume.q));
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
fido_getevents(struct thread_data *td, unsigned int min, unsigned int max, const struct timespec *timeout)
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
	.setup = fido_setup,
	.init = fido_init,
	.post_init = fido_post_init,
	.cleanup = fido_cleanup,
	.iomem_alloc = fido_iomem_alloc,
	.iomem_free = fido_iomem_free,
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
