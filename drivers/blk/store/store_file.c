/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Volumes in files and block devices:
 *
 *   file:PATH[,direct=on|off][,create=SIZE]
 *
 * PATH        a regular file or a block device; write a comma in it twice
 * direct=off  (default) use the kernel's page cache. Works on every file system, in blocks of 512
 *             bytes, like other servers of files (qemu, nbdkit, LIO). A flush is as durable as with
 *             direct=on.
 * direct=on   O_DIRECT: the medium reads the front-end's memory itself, and nothing is cached here.
 *             For block devices, for volumes larger than memory, and for front-ends with caches of
 *             their own. The block size is the medium's.
 * create=SIZE if the file does not exist, create one of SIZE bytes (K, M, G, T: times 1024 ...),
 *             all zeros, without allocating space. An existing file is not changed.
 *
 * Only one backend may write: a file is locked (OFD lock on all of it: exclusive, or shared when
 * served read-only), which qemu respects as well; a block device is opened with O_EXCL, which also
 * excludes file systems and RAID.
 *
 * Identity of a file: device, inode, birth time of the inode, size. Of a block device: its number,
 * the kernel's media sequence number (BLKGETDISKSEQ), size.
 *
 * If a file is truncated while open, reads beyond its end fail with -EIO: zeros would be made up.
 */

#include "store_file.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <fido/log.h>

#include "buffers.h"
#include "store_file_args.h"

/* ---- failures ---- */

/* On a full medium overwrites succeed between failures: limit the messages. */
#define SAY_AGAIN_S 60

static const char *
advice_of(int error)
{
	switch (error) {
	case -ENOSPC:
		return "make room on its file system; until then, writes to unallocated parts of "
		       "the volume fail";
	case -EDQUOT:
		return "raise the quota of its owner, or remove other files";
	case -EFBIG:
		return "raise the limit of file sizes (ulimit -f), or use a file system for larger "
		       "files";
	case -EROFS:
		return "its file system has become read-only: see the kernel's log (dmesg)";
	default:
		return "see the kernel's log (dmesg) for errors of the medium";
	}
}

void
blk_file_failed(struct blk_file *f, int error)
{
	uint64_t said_at = __atomic_load_n(&f->said_at, __ATOMIC_RELAXED);
	char link[32], path[256];
	struct timespec now;
	ssize_t len;

	if (__atomic_exchange_n(&f->failing, 1, __ATOMIC_RELAXED) != 0)
		return;
	clock_gettime(CLOCK_MONOTONIC, &now);
	if (said_at != 0 && (uint64_t)now.tv_sec < said_at + SAY_AGAIN_S)
		return;
	if (!__atomic_compare_exchange_n(&f->said_at, &said_at,
		    (uint64_t)now.tv_sec + (now.tv_sec == 0), false, __ATOMIC_RELAXED,
		    __ATOMIC_RELAXED))
		return; /* Another channel logs it. */
	snprintf(link, sizeof(link), "/proc/self/fd/%d", f->fd);
	len = readlink(link, path, sizeof(path) - 1);
	path[len > 0 ? len : 0] = '\0';
	fido_log(FIDO_LOG_ERROR, "volume %s: write to %s failed: %s: %s", f->volume,
		len > 0 ? path : "its file", strerror(-error), advice_of(error));
}

/* ---- opening ---- */

static int
open_failed(const struct blk_store_config *c, const struct blk_file_args *a, bool device, int err)
{
	const char *todo = "";

	if (err == ENOENT)
		todo = a->create != 0
			? ": create its folder; a file is created only when served for writing"
			: ": create it, or add ,create=SIZE";
	else if (err == EACCES || err == EPERM)
		todo = ": give this user permission, or run as a user that has it";
	else if (err == EROFS)
		todo = ": serve it read-only";
	else if (err == EBUSY && device)
		todo = ": it is mounted, part of a RAID or LVM, or served by another backend "
		       "(see lsblk, fuser -v): free it, or serve it read-only";
	else if (err == EINVAL && a->direct)
		todo = ": its file system does not support direct I/O: use direct=off";
	fido_log(FIDO_LOG_ERROR, "volume %s: cannot open %s: %s%s", c->volume, a->path,
		strerror(err), todo);
	return -err;
}

/* Make the name as durable as the file. */
static int
sync_folder(const char *path)
{
	char copy[PATH_MAX];
	int fd, ret = 0;

	snprintf(copy, sizeof(copy), "%s", path);
	fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fsync(fd) != 0)
		ret = -errno;
	if (fd >= 0)
		close(fd);
	return ret;
}

/* @return descriptor, -errno */
static int
create_file(const struct blk_store_config *c, const struct blk_file_args *a, int flags)
{
	int fd = open(a->path, flags | O_CREAT | O_EXCL, 0600), err = 0;

	if (fd < 0)
		return open_failed(c, a, false, errno);
	if (ftruncate(fd, (off_t)a->create) != 0 || fsync(fd) != 0)
		err = errno;
	else
		err = -sync_folder(a->path);
	if (err == 0)
		return fd;
	fido_log(FIDO_LOG_ERROR, "volume %s: cannot create %s of %llu bytes: %s", c->volume,
		a->path, (unsigned long long)a->create, strerror(err));
	unlink(a->path);
	close(fd);
	return -err;
}

/*
 * Retry while the file is busy, for some seconds. After a backend was killed, the kernel still
 * tears down its rings, which have the file open: a backend that is restarted at once must not
 * fail. The lock is released after the last write that the dead backend had started, so writes that
 * front-ends send again never precede it.
 */
static bool
busy_wait(unsigned int *tries)
{
	static const struct timespec pause = {.tv_nsec = 20 * 1000 * 1000};

	return (*tries)++ < 250 && nanosleep(&pause, NULL) == 0;
}

/* @return descriptor, -errno */
static int
open_path(const struct blk_store_config *c, const struct blk_file_args *a, struct stat *st)
{
	int flags = O_CLOEXEC | (c->read_only ? O_RDONLY : O_RDWR) | (a->direct ? O_DIRECT : 0), fd;
	bool device = stat(a->path, st) == 0 && S_ISBLK(st->st_mode);
	unsigned int tries = 0;

	/* O_NONBLOCK: do not block on a FIFO; it has no effect on files and block devices. */
	do
		fd = open(a->path, flags | O_NONBLOCK | (device && !c->read_only ? O_EXCL : 0));
	while (fd < 0 && errno == EBUSY && busy_wait(&tries));
	if (fd < 0 && errno == ENOENT && a->create != 0 && !c->read_only)
		fd = create_file(c, a, flags | O_NONBLOCK);
	else if (fd < 0)
		return open_failed(c, a, device, errno);
	if (fd < 0)
		return fd;
	if (fstat(fd, st) == 0 && (S_ISREG(st->st_mode) || S_ISBLK(st->st_mode)) &&
		fcntl(fd, F_SETFL, flags) == 0)
		return fd;
	fido_log(FIDO_LOG_ERROR, "volume %s: %s is neither a regular file nor a block device",
		c->volume, a->path);
	close(fd);
	return -EINVAL;
}

static int
lock_file(const struct blk_store_config *c, const struct blk_file_args *a, int fd)
{
	struct flock lock = {.l_type = c->read_only ? F_RDLCK : F_WRLCK, .l_whence = SEEK_SET};
	unsigned int tries = 0;
	int err;

	do {
		if (fcntl(fd, F_OFD_SETLK, &lock) == 0)
			return 0;
		err = errno;
	} while ((err == EAGAIN || err == EACCES) && busy_wait(&tries));
	if (err == EAGAIN || err == EACCES) {
		fido_log(FIDO_LOG_ERROR,
			"volume %s: %s is in use by another backend or a virtual "
			"machine: stop that (see fuser -v %s), or serve it read-only in both",
			c->volume, a->path, a->path);
		return -EBUSY;
	}
	/* Some network file systems do not support locks. */
	fido_log(FIDO_LOG_WARNING,
		"volume %s: cannot lock %s: %s: make sure that nothing else writes to it",
		c->volume, a->path, strerror(err));
	return 0;
}

/* ---- properties ---- */

static uint64_t
hash(uint64_t h, uint64_t word)
{
	h = (h ^ word) * UINT64_C(0x9e3779b97f4a7c15);
	return h ^ h >> 32;
}

static uint64_t
identity_of(int fd, const struct stat *st, const struct statx *sx, uint64_t size)
{
	uint64_t h = hash(UINT64_C(0xf1d0), size), seq = 0;

	if (S_ISBLK(st->st_mode)) {
		/* Detects another file behind a loop device. Kernels before 5.15 do not have it. */
		if (ioctl(fd, BLKGETDISKSEQ, &seq) != 0)
			seq = 0;
		h = hash(hash(h, st->st_rdev), seq);
	} else {
		h = hash(hash(h, st->st_dev), st->st_ino);
		/* Inode numbers are reused. */
		if (sx->stx_mask & STATX_BTIME)
			h = hash(hash(h, (uint64_t)sx->stx_btime.tv_sec), sx->stx_btime.tv_nsec);
	}
	return h != 0 ? h : 1;
}

/* @return size of the smallest block that can be read; 0: none */
static uint32_t
direct_by_trial(int fd)
{
	char *p = aligned_alloc(4096, 4096);
	uint32_t size = 512;

	while (p != NULL && size <= 4096 && pread(fd, p, size, 0) < 0 && errno == EINVAL)
		size *= 2;
	free(p);
	return p != NULL && size <= 4096 ? size : 0;
}

static int
direct_align(struct blk_file *f, const struct blk_file_args *a, bool device, const struct statx *sx)
{
	uint32_t offset = 0, memory = 0;
	int size;

	if (sx->stx_mask & STATX_DIOALIGN) {
		offset = sx->stx_dio_offset_align;
		memory = sx->stx_dio_mem_align;
	} else if (device && ioctl(f->fd, BLKSSZGET, &size) == 0) {
		offset = memory = (uint32_t)size;
	} else {
		offset = memory = direct_by_trial(f->fd);
	}
	/* The worker's buffers are aligned to BLK_BUFFER_MIN. */
	if (offset == 0 || memory == 0 || memory > BLK_BUFFER_MIN || offset > BLK_BUFFER_MIN) {
		fido_log(FIDO_LOG_ERROR,
			"volume %s: %s does not support direct I/O in blocks of %u bytes or less: "
			"use direct=off",
			f->volume, a->path, BLK_BUFFER_MIN);
		return -EINVAL;
	}
	f->memory_align = memory;
	f->base.info.block_size = offset < 512 ? 512 : offset;
	return 0;
}

static int
size_of(struct blk_file *f, const struct blk_file_args *a, const struct stat *st)
{
	struct fido_blk_info *info = &f->base.info;
	uint64_t size = (uint64_t)st->st_size;

	if (S_ISBLK(st->st_mode) && ioctl(f->fd, BLKGETSIZE64, &size) != 0)
		return open_failed(&(struct blk_store_config){.volume = f->volume}, a, true, errno);
	info->size = size - size % info->block_size;
	if (info->size == 0) {
		fido_log(FIDO_LOG_ERROR,
			"volume %s: %s has %llu bytes, less than a block of %u: enlarge it "
			"(truncate -s)",
			f->volume, a->path, (unsigned long long)size, info->block_size);
		return -EINVAL;
	}
	if (info->size != size)
		fido_log(FIDO_LOG_WARNING,
			"volume %s: the last %llu bytes of %s are not served: its size is not a "
			"multiple of %u",
			f->volume, (unsigned long long)(size - info->size), a->path,
			info->block_size);
	return 0;
}

static uint32_t
features_of(int fd, const struct stat *st, bool read_only)
{
	uint32_t features = FIDO_BLK_CAN_WRITE | FIDO_BLK_CAN_FLUSH | FIDO_BLK_CAN_FUA |
		FIDO_BLK_CAN_WRITE_ZEROES;

	if (read_only)
		return FIDO_BLK_CAN_FLUSH;
	/* Try beyond the end of a file, where no data is. A device reports it per request. */
	if (S_ISBLK(st->st_mode) ||
		fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, st->st_size, 4096) == 0)
		features |= FIDO_BLK_CAN_DISCARD;
	return features;
}

static int
file_fill(struct blk_file *f, const struct blk_store_config *c, const struct blk_file_args *a,
	const struct stat *st)
{
	struct fido_blk_info *info = &f->base.info;
	struct statx sx = {.stx_mask = 0};
	int ret = 0;

	if (statx(f->fd, "", AT_EMPTY_PATH, STATX_BTIME | STATX_DIOALIGN, &sx) != 0)
		sx.stx_mask = 0;
	info->block_size = 512;
	info->max_transfer = BLK_BUFFER_MAX;
	info->max_segments = FIDO_BLK_SEGMENTS_MAX;
	if (f->direct)
		ret = direct_align(f, a, S_ISBLK(st->st_mode), &sx);
	if (ret == 0)
		ret = size_of(f, a, st);
	info->features = features_of(f->fd, st, c->read_only);
	info->identity = identity_of(f->fd, st, &sx, info->size);
	return ret;
}

static int
blk_file_open(struct blk_store **out, const struct blk_store_config *config)
{
	struct blk_file *f = calloc(1, sizeof(*f));
	struct blk_file_args *args = malloc(sizeof(*args));
	struct stat st;
	int ret = -ENOMEM;

	if (f == NULL || args == NULL)
		goto err_free;
	ret = blk_file_args_parse(args, config);
	if (ret != 0)
		goto err_free;
	f->base.ops = &blk_store_file;
	f->direct = args->direct;
	snprintf(f->volume, sizeof(f->volume), "%s", config->volume);
	ret = f->fd = open_path(config, args, &st);
	if (ret < 0)
		goto err_free;
	ret = lock_file(config, args, f->fd);
	if (ret == 0)
		ret = file_fill(f, config, args, &st);
	if (ret != 0)
		goto err_close;
	free(args);
	*out = &f->base;
	return 0;

err_close:
	close(f->fd);
err_free:
	free(args);
	free(f);
	return ret;
}

static void
blk_file_close(struct blk_store *store)
{
	struct blk_file *f = (struct blk_file *)store;

	/* Explicitly: an io_uring may keep the file open for longer. */
	fcntl(f->fd, F_OFD_SETLK, &(struct flock){.l_type = F_UNLCK, .l_whence = SEEK_SET});
	close(f->fd);
	free(f);
}

const struct blk_store_ops blk_store_file = {
	.kind = "file",
	.open = blk_file_open,
	.close = blk_file_close,
	.channel_open = blk_file_channel_open,
	.channel_close = blk_file_channel_close,
	.submit = blk_file_channel_submit,
	.poll = blk_file_channel_poll,
	.arm = blk_file_channel_arm,
};
