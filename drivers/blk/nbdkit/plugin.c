/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The nbdkit plugin: exports volumes of a block backend (fido-blkd) to NBD clients.
 *
 *   qemu, fio, nbdcopy, nbdfuse --NBD--> nbdkit with this plugin --rings--> fido-blkd
 *
 * nbdkit is a domain of the group. It forks after reading its command line, and threads do not
 * survive that, so the plugin joins the group in after_fork. Errors there go to the log only; so a
 * child process tries everything beforehand (get_ready).
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fido/atomic.h>
#include <fido/blk.h>
#include <fido/log.h>

#include "export.h"
#include "options.h"
#include "report.h"
#include "watch.h"

#define NBDKIT_API_VERSION 2
#include <nbdkit-plugin.h>

#define THREAD_MODEL NBDKIT_THREAD_MODEL_PARALLEL
/* Preferred and maximum size of requests, as advertised. Others work as well. */
#define PREFERRED_SIZE 4096u
#define LARGEST_SIZE (64u << 20)

static struct options options;
static struct fido_domain *domain;
static struct watch watch;
static bool watching;
static struct export exports[OPTIONS_VOLUMES_MAX];
static char descriptions[OPTIONS_VOLUMES_MAX][FIDO_BLK_VOLUME_MAX + 128];
/* Suppress libfido's error messages: the caller is about to report them by nbdkit_error(). */
static _Thread_local bool quotes_errors;

/* ---- messages ---- */

static void
on_log(enum fido_log_level level, const char *message)
{
	if (level <= FIDO_LOG_WARNING && !(level == FIDO_LOG_ERROR && quotes_errors))
		nbdkit_error("%s", message);
	else
		nbdkit_debug("%s", message);
}

/* Report the error of a request as one that NBD has; nbdkit turns others into EINVAL. */
static int
result(const struct export *export, const char *what, uint64_t offset, uint32_t len, int ret)
{
	static uint64_t last;
	int err = -ret;

	if (ret == 0)
		return 0;
	if (blk_may_report(&last))
		nbdkit_error("%s: cannot %s %u bytes at %llu: %s", export->volume, what, len,
			(unsigned long long)offset,
			err == ESTALE
				? "the backend now has another volume of that name, or the volume "
				  "has lost its contents: restart nbdkit"
				: strerror(err));
	switch (err) {
	case EINVAL:
	case ENOMEM:
	case ENOSPC:
	case EOPNOTSUPP:
	case EPERM:
	case EROFS:
	case ESHUTDOWN:
		nbdkit_set_error(err);
		break;
	default:
		nbdkit_set_error(EIO);
		break;
	}
	return -1;
}

/* ---- all volumes ---- */

static void
on_absent(void *arg)
{
	watch_ask(arg);
}

static void
on_shutdown(void)
{
	for (unsigned int i = 0; i < options.volume_count; i++)
		export_abandon(&exports[i]);
}

static void
close_all(void)
{
	for (unsigned int i = 0; i < options.volume_count; i++)
		export_close(&exports[i]);
	fido_domain_leave(domain);
	domain = NULL;
}

static int
open_volume(unsigned int i)
{
	struct export_config config = {.backend = options.backend,
		.volume = options.volumes[i],
		.queues = options.queues,
		.depth = options.depth,
		.read_only = options.read_only,
		.exclusive = options.exclusive,
		.timeout_ms = options.timeout_ms,
		.spin_us = options.spin_us,
		.on_absent = on_absent,
		.arg = &watch};
	int ret = export_open(&exports[i], domain, &config);

	if (ret != 0 && fido_last_error()[0] != '\0')
		nbdkit_error("group %s: %s", options.group, fido_last_error());
	else if (ret != 0)
		nbdkit_error("group %s: cannot open volume %s of %s: %s", options.group,
			config.volume, config.backend, strerror(-ret));
	return ret;
}

/* Join the group, open all volumes. @return 0; -1 after nbdkit_error(): nothing is open */
static int
open_all(void)
{
	struct fido_domain_config config = {.group = options.group,
		.name = options.domain,
		.no_hugepages = options.no_hugepages};
	char name[FIDO_NAME_MAX];
	int ret;

	snprintf(name, sizeof(name), "nbdkit-%d", (int)getpid());
	if (config.name == NULL)
		config.name = name;
	fido_log_set(on_log);
	quotes_errors = true;
	ret = fido_domain_join(&domain, &config);
	if (ret != 0)
		nbdkit_error("cannot join group %s as %s: %s", config.group, config.name,
			fido_last_error());
	for (unsigned int i = 0; i < options.volume_count && ret == 0; i++)
		ret = open_volume(i);
	quotes_errors = false;
	if (ret != 0)
		close_all();
	return ret != 0 ? -1 : 0;
}

/* ---- start and end ---- */

static int
plugin_config(const char *key, const char *value)
{
	return options_set(&options, key, value);
}

static int
plugin_config_complete(void)
{
	return options_complete(&options);
}

/* Try to open everything in a child. Its error messages go where nbdkit's go. */
static int
plugin_get_ready(void)
{
	pid_t child = fork();
	int status;

	if (child < 0) {
		nbdkit_error("cannot check the volumes: fork: %s", strerror(errno));
		return -1;
	}
	if (child == 0) {
		if (open_all() != 0)
			_exit(EXIT_FAILURE);
		close_all();
		_exit(EXIT_SUCCESS);
	}
	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	if (WIFSIGNALED(status))
		nbdkit_error("the process that checks the volumes ended by signal %d",
			WTERMSIG(status));
	return status == 0 ? 0 : -1;
}

static void
describe(unsigned int i)
{
	snprintf(descriptions[i], sizeof(descriptions[i]), "volume %s of %s in Fido group %s",
		exports[i].volume, options.backend, options.group);
}

static int
plugin_after_fork(void)
{
	int ret = watch_start(&watch, on_shutdown);

	if (ret != 0) {
		nbdkit_error("cannot start a thread: %s", strerror(-ret));
		return -1;
	}
	watching = true;
	if (open_all() != 0)
		return -1;
	for (unsigned int i = 0; i < options.volume_count; i++)
		describe(i);
	return 0;
}

static void
report_counters(const struct export *export)
{
	for (unsigned int i = 0; i < export->lane_count; i++) {
		const struct lane *lane = &export->lanes[i];
		struct fido_blk_stats stats;

		fido_blk_queue_stats(lane->config.queue, &stats);
		nbdkit_debug("volume %s queue %u: reads %llu writes %llu lent %llu "
			     "copied_reads %llu copied_writes %llu errors %llu resent %llu "
			     "sessions %llu sleeps %llu late %llu",
			export->volume, i, (unsigned long long)stats.requests[FIDO_BLK_READ],
			(unsigned long long)stats.requests[FIDO_BLK_WRITE],
			(unsigned long long)stats.lent, (unsigned long long)stats.copied_reads,
			(unsigned long long)stats.copied_writes, (unsigned long long)stats.errors,
			(unsigned long long)stats.resent, (unsigned long long)stats.sessions,
			(unsigned long long)lane->sleeps, (unsigned long long)lane->late);
	}
}

static void
plugin_cleanup(void)
{
	for (unsigned int i = 0; i < options.volume_count; i++)
		report_counters(&exports[i]);
	if (watching)
		watch_stop(&watch);
	watching = false;
	close_all();
}

static void
plugin_dump_plugin(void)
{
	printf("fido_version=%s\n", FIDO_VERSION);
	printf("fido_volumes_max=%u\n", OPTIONS_VOLUMES_MAX);
	printf("fido_depth_max=%u\n", FIDO_BLK_DEPTH_MAX);
}

/* ---- connections: the handle is the export, there is no state per connection ---- */

static int
plugin_list_exports(int readonly, int is_tls, struct nbdkit_exports *list)
{
	for (unsigned int i = 0; i < options.volume_count; i++)
		if (nbdkit_add_export(list, exports[i].volume, descriptions[i]) != 0)
			return -1;
	return 0;
}

static const char *
plugin_default_export(int readonly, int is_tls)
{
	return exports[0].volume;
}

static void *
plugin_open(int readonly)
{
	const char *name = nbdkit_export_name();

	if (name == NULL)
		return NULL;
	if (name[0] == '\0')
		return &exports[0];
	for (unsigned int i = 0; i < options.volume_count; i++)
		if (strcmp(exports[i].volume, name) == 0)
			return &exports[i];
	nbdkit_error("there is no export '%s': see nbdinfo --list", name);
	nbdkit_set_error(ENOENT);
	return NULL;
}

static const char *
plugin_export_description(void *handle)
{
	return descriptions[(struct export *)handle - exports];
}

static int
can(void *handle, uint32_t feature)
{
	const struct export *export = handle;

	return (export->info->features & feature) != 0;
}

static int64_t
plugin_get_size(void *handle)
{
	const struct export *export = handle;

	return (int64_t) export->info->size;
}

static int
plugin_can_write(void *handle)
{
	const struct export *export = handle;

	return !export->read_only && can(handle, FIDO_BLK_CAN_WRITE);
}

static int
plugin_can_flush(void *handle)
{
	return can(handle, FIDO_BLK_CAN_FLUSH);
}

static int
plugin_can_fua(void *handle)
{
	if (can(handle, FIDO_BLK_CAN_FUA))
		return NBDKIT_FUA_NATIVE;
	return can(handle, FIDO_BLK_CAN_FLUSH) ? NBDKIT_FUA_EMULATE : NBDKIT_FUA_NONE;
}

static int
plugin_can_trim(void *handle)
{
	return can(handle, FIDO_BLK_CAN_DISCARD);
}

static int
plugin_can_zero(void *handle)
{
	return can(handle, FIDO_BLK_CAN_WRITE_ZEROES);
}

/*
 * No data crosses the rings, so zeroing is never slower than writing. Where it is not supported,
 * nbdkit reports that.
 */
static int
plugin_can_fast_zero(void *handle)
{
	return 1;
}

/* All connections share the queues: a flush covers requests completed on any of them. */
static int
plugin_can_multi_conn(void *handle)
{
	return 1;
}

static int
plugin_is_rotational(void *handle)
{
	return 0;
}

/*
 * The minimum is 1, as the export handles parts of blocks: a client that knew of blocks would read,
 * change and write them itself, and overwrite concurrent changes of other clients.
 */
static int
plugin_block_size(void *handle, uint32_t *minimum, uint32_t *preferred, uint32_t *maximum)
{
	const struct export *export = handle;
	uint32_t block = export->info->block_size;

	*minimum = 1;
	*preferred = block > PREFERRED_SIZE ? block : PREFERRED_SIZE;
	*maximum = LARGEST_SIZE;
	return 0;
}

/* ---- requests ---- */

static int
plugin_pread(void *handle, void *buf, uint32_t count, uint64_t offset, uint32_t flags)
{
	return result(handle, "read", offset, count, export_read(handle, buf, count, offset));
}

static int
plugin_pwrite(void *handle, const void *buf, uint32_t count, uint64_t offset, uint32_t flags)
{
	bool fua = flags & NBDKIT_FLAG_FUA;

	return result(handle, "write", offset, count,
		export_write(handle, buf, count, offset, fua));
}

static int
plugin_flush(void *handle, uint32_t flags)
{
	return result(handle, "flush", 0, 0, export_flush(handle));
}

static int
plugin_trim(void *handle, uint32_t count, uint64_t offset, uint32_t flags)
{
	bool fua = flags & NBDKIT_FLAG_FUA;

	return result(handle, "discard", offset, count, export_trim(handle, count, offset, fua));
}

static int
plugin_zero(void *handle, uint32_t count, uint64_t offset, uint32_t flags)
{
	bool fua = flags & NBDKIT_FLAG_FUA;

	return result(handle, "zero", offset, count, export_zero(handle, count, offset, fua));
}

static struct nbdkit_plugin plugin = {
	.name = "fido",
	.longname = "Fido volumes",
	.version = FIDO_VERSION,
	.description = "volumes of a Fido block backend (fido-blkd)",
	.magic_config_key = "volume",
	.config = plugin_config,
	.config_complete = plugin_config_complete,
	.config_help = OPTIONS_HELP,
	.dump_plugin = plugin_dump_plugin,
	.get_ready = plugin_get_ready,
	.after_fork = plugin_after_fork,
	.cleanup = plugin_cleanup,
	.list_exports = plugin_list_exports,
	.default_export = plugin_default_export,
	.export_description = plugin_export_description,
	.open = plugin_open,
	.get_size = plugin_get_size,
	.can_write = plugin_can_write,
	.can_flush = plugin_can_flush,
	.can_fua = plugin_can_fua,
	.can_trim = plugin_can_trim,
	.can_zero = plugin_can_zero,
	.can_fast_zero = plugin_can_fast_zero,
	.can_multi_conn = plugin_can_multi_conn,
	.is_rotational = plugin_is_rotational,
	.block_size = plugin_block_size,
	.pread = plugin_pread,
	.pwrite = plugin_pwrite,
	.flush = plugin_flush,
	.trim = plugin_trim,
	.zero = plugin_zero,
	.errno_is_preserved = 0,
};

NBDKIT_REGISTER_PLUGIN(plugin)
