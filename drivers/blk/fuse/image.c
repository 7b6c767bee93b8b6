/* SPDX-License-Identifier: BSD-3-Clause */
/* A volume as a file. */

#include "image.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <time.h>

#include <fido/atomic.h>

#define FUSE_USE_VERSION 314
#include <fuse_lowlevel.h>

#define NS UINT64_C(1000000000)
/* A flush checks this often whether it shall stop. */
#define FLUSH_POLL_MS 200

static struct timespec
now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME_COARSE, &ts);
	return ts;
}

/* ---- attributes ---- */

static void
fill_attributes(struct image *image, const struct image_config *config)
{
	struct timespec ts = now();
	/* Without write permission, tools see that the volume is read-only before they try. */
	mode_t mode = image->read_only ? config->mode & ~(mode_t)0222 : config->mode;
	/* Whoever may read the file may see that it is there. */
	mode_t search = (mode & 0444) >> 2;
	struct stat st = {.st_uid = config->uid,
		.st_gid = config->gid,
		.st_nlink = 1,
		.st_atim = ts,
		.st_mtim = ts,
		.st_ctim = ts};

	image->file = st;
	image->file.st_ino = IMAGE_INO_FILE;
	image->file.st_mode = S_IFREG | mode;
	image->file.st_size = (off_t)image->info->size;
	image->file.st_blocks = (blkcnt_t)(image->info->size / 512);
	image->file.st_blksize = image->info->block_size > 4096 ? image->info->block_size : 4096;
	image->directory = st;
	image->directory.st_ino = IMAGE_INO_DIRECTORY;
	image->directory.st_mode = S_IFDIR | (mode & 0444) | search;
	image->directory.st_nlink = 2;
}

void
image_written(struct image *image)
{
	struct timespec ts = now();

	fido_store_relaxed(&image->written, (uint64_t)ts.tv_sec * NS + (uint64_t)ts.tv_nsec);
}

static struct stat *
find(struct image *image, uint64_t ino)
{
	if (ino == IMAGE_INO_DIRECTORY)
		return &image->directory;
	return ino == IMAGE_INO_FILE ? &image->file : NULL;
}

int
image_stat(struct image *image, uint64_t ino, struct stat *out)
{
	const struct stat *st = find(image, ino);
	uint64_t written = fido_load_relaxed(&image->written);

	if (st == NULL)
		return -ENOENT;
	pthread_mutex_lock(&image->lock);
	*out = *st;
	pthread_mutex_unlock(&image->lock);
	if (ino == IMAGE_INO_FILE &&
		written > (uint64_t)out->st_mtim.tv_sec * NS + (uint64_t)out->st_mtim.tv_nsec) {
		out->st_mtim.tv_sec = (time_t)(written / NS);
		out->st_mtim.tv_nsec = (long)(written % NS);
	}
	return 0;
}

static void
set_times(struct image *image, struct stat *st, const struct stat *attr, int to_set)
{
	if (to_set & FUSE_SET_ATTR_ATIME)
		st->st_atim = attr->st_atim;
	if (to_set & FUSE_SET_ATTR_ATIME_NOW)
		st->st_atim = now();
	if (to_set & FUSE_SET_ATTR_MTIME)
		st->st_mtim = attr->st_mtim;
	if (to_set & FUSE_SET_ATTR_MTIME_NOW)
		st->st_mtim = now();
	if (to_set & (FUSE_SET_ATTR_MTIME | FUSE_SET_ATTR_MTIME_NOW))
		fido_store_relaxed(&image->written, 0);
}

int
image_set(struct image *image, uint64_t ino, const struct stat *attr, int to_set)
{
	struct stat *st = find(image, ino);

	if (st == NULL)
		return -ENOENT;
	if ((to_set & FUSE_SET_ATTR_SIZE) && attr->st_size != 0 && attr->st_size != st->st_size)
		return -EINVAL;
	pthread_mutex_lock(&image->lock);
	if (to_set & FUSE_SET_ATTR_MODE)
		st->st_mode = (st->st_mode & S_IFMT) | (attr->st_mode & ~(mode_t)S_IFMT);
	if (to_set & FUSE_SET_ATTR_UID)
		st->st_uid = attr->st_uid;
	if (to_set & FUSE_SET_ATTR_GID)
		st->st_gid = attr->st_gid;
	set_times(image, st, attr, to_set);
	st->st_ctim = now();
	pthread_mutex_unlock(&image->lock);
	return 0;
}

/* ---- the volume ---- */

static int
open_volume(struct image *image, struct fido_domain *domain, const struct image_config *config)
{
	struct fido_blk_config blk = {.backend = config->backend,
		.volume = config->volume,
		.queues = config->queues,
		.depth = config->depth,
		.read_only = config->read_only,
		.exclusive = config->exclusive,
		.timeout_ms = config->timeout_ms};
	int ret = fido_blk_open(domain, &blk, &image->blk);

	if (ret == -EROFS && !blk.read_only) {
		blk.read_only = true;
		ret = fido_blk_open(domain, &blk, &image->blk);
	}
	if (ret != 0)
		return ret;
	image->info = fido_blk_info(image->blk);
	image->read_only = blk.read_only || !(image->info->features & FIDO_BLK_CAN_WRITE);
	return 0;
}

int
image_open(struct image *image, struct fido_domain *domain, const struct image_config *config)
{
	int ret;

	*image = (struct image){.name = config->volume};
	ret = range_lock_create(&image->ranges);
	if (ret != 0)
		return ret;
	ret = open_volume(image, domain, config);
	if (ret != 0) {
		range_lock_destroy(&image->ranges);
		return ret;
	}
	pthread_mutex_init(&image->lock, NULL);
	fill_attributes(image, config);
	return 0;
}

void
image_close(struct image *image)
{
	fido_blk_close(image->blk);
	pthread_mutex_destroy(&image->lock);
	range_lock_destroy(&image->ranges);
}

static void
sleep_on(struct fido_blk_queue *q)
{
	struct pollfd fd = {.fd = fido_blk_fd(q), .events = POLLIN};

	if (!fido_blk_arm(q))
		poll(&fd, 1, FLUSH_POLL_MS);
	fido_blk_disarm(q);
}

int
image_flush(struct image *image, const volatile sig_atomic_t *stop)
{
	const struct fido_blk_request flush = {.op = FIDO_BLK_FLUSH, .cookie = image};
	struct fido_blk_queue *q = fido_blk_queue(image->blk, 0);
	struct fido_blk_completion c;
	int submitted = 0;

	if (image->read_only || !(image->info->features & FIDO_BLK_CAN_FLUSH))
		return 0;
	while (*stop == 0) {
		if (submitted == 0)
			submitted = fido_blk_submit(q, &flush, 1);
		if (submitted < 0)
			return submitted;
		if (fido_blk_poll(q, &c, 1) == 0) {
			sleep_on(q);
			continue;
		}
		if (c.lent != NULL)
			fido_blk_release(q, &c.lent, 1);
		/* Answers to requests that the kernel has given up come before. */
		if (c.cookie == image)
			return c.error;
	}
	return -EINTR;
}
