/* SPDX-License-Identifier: BSD-3-Clause */
/* What the engine does before and after the requests: see engine.h. */
#include "fio_config.h"

#include <errno.h>
#include <inttypes.h>

#include <fio.h>
#include <verify.h>
#if __has_include(<fio_built_for.h>)
#include <fio_built_for.h> /* by setup.sh: the version of these headers */
#endif

#include "engine.h"

/* ---- the volume ---- */

static int
refuse(const struct thread_data *td, const char *why)
{
	const struct fio_fido_options *o = td->eo;

	log_err("fio: fido: volume %s of %s: %s\n", o->volume,
		o->backend != NULL ? o->backend : "disk", why);
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
	else if (td->o.numjobs > 1 ||
		td->subjob_number != 0) /* the clones of a job have numjobs=1 */
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
		log_err("fio: fido: no %s: give group=GROUP and volume=NAME\n",
			o->group == NULL ? "group" : "volume");
		return EINVAL;
	}
	if (td->o.iodepth > FIDO_BLK_DEPTH_MAX) {
		log_err("fio: fido: iodepth=%u: a queue has at most %d requests: give less, or numjobs=\n",
			td->o.iodepth, FIDO_BLK_DEPTH_MAX);
		return EINVAL;
	}
	return 0;
}

int
fio_fido_setup(struct thread_data *td)
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
			snprintf(why, sizeof(why),
				"a request has at most %" PRIu32 " bytes: bs= must not be more",
				info->max_transfer);
			return refuse(td, why);
		}
		if (td->o.min_bs[way] % info->block_size != 0) {
			snprintf(why, sizeof(why),
				"its blocks have %" PRIu32 " bytes: bs= must be a multiple",
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
	if (td->o.sync_io != 0 && (features & FIDO_BLK_CAN_FUA) == 0 &&
		(features & FIDO_BLK_CAN_FLUSH) != 0)
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
	/* What fio has got stays until it asks again; meanwhile as many can fail at once. */
	e->done = calloc(2 * (size_t)e->depth, sizeof(e->done[0]));
	if (e->pending == NULL || e->iov == NULL || e->done == NULL) {
		free_engine(e);
		return ENOMEM;
	}
	*out = e;
	return 0;
}

int
fio_fido_init(struct thread_data *td)
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

int
fio_fido_post_init(struct thread_data *td)
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
	log_err("fio: fido: job %u: lent %" PRIu64 " copied_reads %" PRIu64 " writes %" PRIu64
		" copied_writes %" PRIu64 " flushes %" PRIu64 " discards %" PRIu64
		" resent %" PRIu64 " sessions %" PRIu64 "\n",
		td->thread_number, s.lent, s.copied_reads, s.requests[FIDO_BLK_WRITE],
		s.copied_writes, s.requests[FIDO_BLK_FLUSH], s.requests[FIDO_BLK_DISCARD], s.resent,
		s.sessions);
}

void
fio_fido_cleanup(struct thread_data *td)
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

int
fio_fido_iomem_alloc(struct thread_data *td, size_t size)
{
	const struct fio_fido_options *o = td->eo;
	struct engine *e = td->io_ops_data;

	td->orig_buffer = fio_volume_buffers(&e->volume, size, o->arena != 0);
	return td->orig_buffer != NULL ? 0 : ENOMEM;
}

void
fio_fido_iomem_free(struct thread_data *td)
{
	struct engine *e = td->io_ops_data;

	if (e != NULL)
		fio_volume_buffers_free(&e->volume);
}
