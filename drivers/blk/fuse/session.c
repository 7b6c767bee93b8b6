/* SPDX-License-Identifier: BSD-3-Clause */
/* What libfuse calls, and the mount. */

#include "session.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <linux/falloc.h>
#include <linux/fuse.h>

#include <fido/atomic.h>
#include <fido/log.h>

/* The attributes change only by requests of the kernel, which knows of them. */
#define ATTR_TIMEOUT 3600.0
#define READAHEAD (1u << 20)

static struct image *
image_of(fuse_req_t req)
{
	struct session *session = fuse_req_userdata(req);

	return session->config.image;
}

/* ---- the directory, and attributes ---- */

/* The largest read or write: the kernel counts in pages. */
static unsigned int
transfer_max(const struct image *image)
{
	uint32_t max = image->info->max_transfer & ~4095u;

	return max < LANE_WRITE_MAX ? max : LANE_WRITE_MAX;
}

static void
do_init(void *userdata, struct fuse_conn_info *conn)
{
	struct session *session = userdata;
	uint32_t requests = session->config.queues * session->config.depth;

	/*
	 * Not wanted: splice, as lanes read messages themselves; truncation by open(), as the size
	 * is fixed; and a check of attributes before each read, for the same reason.
	 */
	conn->want &= ~(unsigned int)(FUSE_CAP_SPLICE_READ | FUSE_CAP_SPLICE_WRITE |
		FUSE_CAP_SPLICE_MOVE | FUSE_CAP_ATOMIC_O_TRUNC | FUSE_CAP_AUTO_INVAL_DATA);
	conn->want |= conn->capable & (FUSE_CAP_ASYNC_READ | FUSE_CAP_ASYNC_DIO);
	conn->max_write = transfer_max(session->config.image);
	conn->max_read = conn->max_write;
	conn->max_readahead = READAHEAD;
	/* Otherwise the kernel has 12 asynchronous requests in progress. */
	conn->max_background = requests < UINT16_MAX ? requests : UINT16_MAX;
	conn->congestion_threshold = conn->max_background;
}

static void
do_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct image *image = image_of(req);
	struct fuse_entry_param entry = {.ino = IMAGE_INO_FILE,
		.attr_timeout = ATTR_TIMEOUT,
		.entry_timeout = ATTR_TIMEOUT};

	if (parent != IMAGE_INO_DIRECTORY || strcmp(name, image->name) != 0) {
		fuse_reply_err(req, ENOENT);
		return;
	}
	image_stat(image, IMAGE_INO_FILE, &entry.attr);
	fuse_reply_entry(req, &entry);
}

static void
do_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct stat st;
	int ret = image_stat(image_of(req), ino, &st);

	if (ret != 0)
		fuse_reply_err(req, -ret);
	else
		fuse_reply_attr(req, &st, ATTR_TIMEOUT);
}

static void
do_setattr(fuse_req_t req, fuse_ino_t ino, struct stat *attr, int to_set, struct fuse_file_info *fi)
{
	int ret = image_set(image_of(req), ino, attr, to_set);

	if (ret != 0)
		fuse_reply_err(req, -ret);
	else
		do_getattr(req, ino, fi);
}

static void
do_readdir(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset, struct fuse_file_info *fi)
{
	struct image *image = image_of(req);
	const char *names[] = {".", "..", image->name};
	char entries[1024];
	size_t len = 0;

	if (size > sizeof(entries))
		size = sizeof(entries);
	for (off_t i = offset; i < 3; i++) {
		struct stat st;
		size_t n;

		image_stat(image, i == 2 ? IMAGE_INO_FILE : IMAGE_INO_DIRECTORY, &st);
		n = fuse_add_direntry(req, entries + len, size - len, names[i], &st, i + 1);
		if (n > size - len)
			break;
		len += n;
	}
	fuse_reply_buf(req, entries, len);
}

/* A block device below a loop device is told the block size by this. */
static void
do_statfs(fuse_req_t req, fuse_ino_t ino)
{
	const struct image *image = image_of(req);
	const struct statvfs st = {.f_bsize = image->info->block_size,
		.f_frsize = image->info->block_size,
		.f_blocks = image->info->size / image->info->block_size,
		.f_files = 1,
		.f_namemax = FIDO_BLK_VOLUME_MAX - 1};

	fuse_reply_statfs(req, &st);
}

/* ---- the file ---- */

/*
 * The page cache is used unless an application opens the file with O_DIRECT: both, and mmap(), see
 * the same data. As with a block device, what is cached is dropped before the file is opened again
 * after the last close: another client may have written to the volume.
 */
static void
do_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	fi->keep_cache = __atomic_fetch_add(&image_of(req)->opens, 1, __ATOMIC_RELAXED) != 0;
	if (fuse_reply_open(req, fi) != 0)
		__atomic_fetch_sub(&image_of(req)->opens, 1, __ATOMIC_RELAXED);
}

static void
do_release(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	__atomic_fetch_sub(&image_of(req)->opens, 1, __ATOMIC_RELAXED);
	fuse_reply_err(req, 0);
}

static void
do_read(fuse_req_t req, fuse_ino_t ino, size_t len, off_t offset, struct fuse_file_info *fi)
{
	uint64_t size = image_of(req)->info->size, at = (uint64_t)offset;

	if (at >= size || len == 0)
		fuse_reply_buf(req, NULL, 0);
	else
		request_read(lane_of_thread(), req, at, size - at < len ? size - at : len);
}

/* As on a block device, a write that crosses the end is a short one. */
static void
do_write(fuse_req_t req, fuse_ino_t ino, const char *data, size_t len, off_t offset,
	struct fuse_file_info *fi)
{
	uint64_t size = image_of(req)->info->size, at = (uint64_t)offset;

	if (image_of(req)->read_only)
		fuse_reply_err(req, EROFS);
	else if (len == 0)
		fuse_reply_write(req, 0);
	else if (at >= size)
		fuse_reply_err(req, ENOSPC);
	else
		request_write(lane_of_thread(), req, at, size - at < len ? size - at : len, data,
			fi);
}

static void
do_fsync(fuse_req_t req, fuse_ino_t ino, int datasync, struct fuse_file_info *fi)
{
	const struct image *image = image_of(req);

	if (image->read_only || !(image->info->features & FIDO_BLK_CAN_FLUSH))
		fuse_reply_err(req, 0);
	else
		request_flush(lane_of_thread(), req);
}

static void
do_fallocate(fuse_req_t req, fuse_ino_t ino, int mode, off_t offset, off_t length,
	struct fuse_file_info *fi)
{
	const struct image *image = image_of(req);
	uint64_t size = image->info->size, at = (uint64_t)offset, len = (uint64_t)length;
	bool discards = mode & FALLOC_FL_PUNCH_HOLE;

	if (image->read_only)
		fuse_reply_err(req, EROFS);
	else if (!(mode & (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE)) ||
		!(image->info->features & FIDO_BLK_CAN_WRITE_ZEROES))
		fuse_reply_err(req, EOPNOTSUPP);
	else if (!(mode & FALLOC_FL_KEEP_SIZE) && at + len > size)
		fuse_reply_err(req, ENOSPC);
	else if (at >= size)
		fuse_reply_err(req, 0);
	else
		request_zero(lane_of_thread(), req, at, size - at < len ? size - at : len,
			discards);
}

static const struct fuse_lowlevel_ops operations = {
	.init = do_init,
	.lookup = do_lookup,
	.getattr = do_getattr,
	.setattr = do_setattr,
	.readdir = do_readdir,
	.statfs = do_statfs,
	.open = do_open,
	.release = do_release,
	.read = do_read,
	.write = do_write,
	.fsync = do_fsync,
	.fallocate = do_fallocate,
};

/* ---- mounting ---- */

static void
on_fuse_log(enum fuse_log_level level, const char *fmt, va_list args)
{
	char text[FIDO_LOG_MAX];
	size_t len;

	vsnprintf(text, sizeof(text), fmt, args);
	len = strlen(text);
	if (len != 0 && text[len - 1] == '\n')
		text[len - 1] = '\0';
	fido_log(level <= FUSE_LOG_ERR ? FIDO_LOG_ERROR : FIDO_LOG_WARNING, "%s", text);
}

/* Escape what separates options of mount(2). */
static void
escape(char *out, size_t size, const char *in)
{
	size_t n = 0;

	for (; *in != '\0' && n + 3 < size; in++) {
		if (*in == ',' || *in == '\\')
			out[n++] = '\\';
		out[n++] = *in;
	}
	out[n] = '\0';
}

static int
create_fuse_session(struct session *session)
{
	const struct image *image = session->config.image;
	char name[2 * FIDO_BLK_VOLUME_MAX], options[512];
	char *argv[] = {"fido-blk-mount", "-o", options, NULL};
	struct fuse_args args = FUSE_ARGS_INIT(3, argv);

	escape(name, sizeof(name), image->name);
	/* Only root lets others in: then the file's owner and mode decide. */
	snprintf(options, sizeof(options), "fsname=fido:%s/%s,subtype=fido,max_read=%u%s%s",
		session->config.group, name, transfer_max(image),
		geteuid() == 0 ? ",allow_other,default_permissions" : "",
		image->read_only ? ",ro" : "");
	fuse_set_log_func(on_fuse_log);
	session->fuse = fuse_session_new(&args, &operations, sizeof(operations), session);
	fuse_opt_free_args(&args);
	return session->fuse != NULL ? 0 : -EINVAL;
}

static ssize_t
never_read(int fd, void *buf, size_t len, void *arg)
{
	errno = ENOSYS;
	return -1;
}

/* libfuse answers to one descriptor; answers must go to that of the lane. */
static int
take_over_answers(struct session *session)
{
	const struct fuse_custom_io io = {.writev = lane_writev, .read = never_read};

	return fuse_session_custom_io(session->fuse, &io, fuse_session_fd(session->fuse));
}

static int
open_clone(struct session *session)
{
	uint32_t source = (uint32_t)fuse_session_fd(session->fuse);
	int fd = open("/dev/fuse", O_RDWR | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0)
		return -errno;
	if (ioctl(fd, FUSE_DEV_IOC_CLONE, &source) != 0) {
		int err = errno;

		close(fd);
		return -err;
	}
	return fd;
}

static int
open_descriptors(struct session *session)
{
	int fd = fuse_session_fd(session->fuse);

	session->fuse_fds[0] = fd;
	if (fcntl(fd, F_SETFL, O_NONBLOCK) != 0)
		return -errno;
	for (unsigned int i = 1; i < session->lane_count; i++) {
		session->fuse_fds[i] = open_clone(session);
		if (session->fuse_fds[i] < 0)
			return session->fuse_fds[i];
	}
	return 0;
}

/* The kernel reads ahead 128 KiB unless it is told otherwise. For root only; others do without. */
static void
raise_readahead(const struct session *session)
{
	struct stat st;
	char path[64];
	FILE *file;

	if (stat(session->config.mountpoint, &st) != 0)
		return;
	snprintf(path, sizeof(path), "/sys/class/bdi/%u:%u/read_ahead_kb", major(st.st_dev),
		minor(st.st_dev));
	file = fopen(path, "we");
	if (file == NULL)
		return;
	fprintf(file, "%u\n", READAHEAD >> 10);
	fclose(file);
}

int
session_start(struct session *session)
{
	int ret;

	if (fuse_session_mount(session->fuse, session->config.mountpoint) != 0)
		return -EIO; /* libfuse has logged why */
	ret = take_over_answers(session);
	if (ret == 0)
		ret = open_descriptors(session);
	for (; ret == 0 && session->started < session->lane_count; session->started++) {
		ret = lane_start(&session->lanes[session->started],
			session->fuse_fds[session->started]);
		if (ret != 0)
			break;
	}
	if (ret != 0) {
		fido_log(FIDO_LOG_ERROR, "cannot serve %s: %s", session->config.mountpoint,
			strerror(-ret));
		return ret;
	}
	raise_readahead(session);
	return 0;
}

void
session_join(struct session *session)
{
	for (; session->started != 0; session->started--)
		lane_join(&session->lanes[session->started - 1]);
}

/* ---- create, destroy ---- */

static int
create_lanes(struct session *session)
{
	const struct session_config *config = &session->config;
	int ret = 0;

	session->lanes = calloc(config->queues, sizeof(*session->lanes));
	session->fuse_fds = calloc(config->queues, sizeof(*session->fuse_fds));
	if (session->lanes == NULL || session->fuse_fds == NULL)
		return -ENOMEM;
	while (session->lane_count < config->queues && ret == 0) {
		const struct lane_config lane = {.domain = config->domain,
			.image = config->image,
			.fuse = session->fuse,
			.index = session->lane_count,
			.depth = config->depth,
			.buffers = config->buffers,
			.spin_us = config->spin_us,
			.end_fd = session->end_fd};

		session->fuse_fds[session->lane_count] = -1;
		ret = lane_create(&session->lanes[session->lane_count], &lane);
		session->lane_count += ret == 0;
	}
	return ret;
}

int
session_create(struct session *session, const struct session_config *config)
{
	int ret;

	*session = (struct session){.config = *config};
	session->end_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	ret = session->end_fd < 0 ? -errno : 0;
	if (ret == 0)
		ret = create_fuse_session(session);
	if (ret == 0)
		ret = create_lanes(session);
	if (ret != 0) {
		fido_log(FIDO_LOG_ERROR, "cannot prepare %u queues with %u buffers of 1 MiB: %s",
			config->queues, config->buffers, strerror(-ret));
		session_destroy(session);
	}
	return ret;
}

void
session_destroy(struct session *session)
{
	if (session->fuse != NULL)
		fuse_session_unmount(session->fuse);
	session_join(session);
	for (unsigned int i = 0; i < session->lane_count; i++) {
		if (i != 0 && session->fuse_fds[i] >= 0)
			close(session->fuse_fds[i]);
		lane_destroy(&session->lanes[i]);
	}
	if (session->fuse != NULL)
		fuse_session_destroy(session->fuse);
	free(session->fuse_fds);
	free(session->lanes);
	close(session->end_fd);
}
