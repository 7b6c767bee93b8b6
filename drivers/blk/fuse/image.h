/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_FUSE_IMAGE_H
#define FIDO_FUSE_IMAGE_H

/**
 * @file
 * An image: an open volume as a file, the only one of its directory. Its size is fixed. Owner, mode
 * and times can be changed, and last as long as the mount.
 */

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include <fido/blk.h>
#include <fido/domain.h>

#include "range.h"

/** Inode numbers: FUSE's root, and the file. */
#define IMAGE_INO_DIRECTORY 1
#define IMAGE_INO_FILE 2

struct image_config {
	const char *backend;
	const char *volume; /**< also the file's name */
	uint16_t queues;
	uint32_t depth;
	bool read_only;
	bool exclusive;
	int timeout_ms;
	uid_t uid;
	gid_t gid;
	mode_t mode;
};

struct image {
	const char *name;
	struct fido_blk *blk;
	const struct fido_blk_info *info;
	bool read_only;           /**< requested, or the volume is read-only */
	struct range_lock ranges; /**< of changes in progress */
	uint64_t opens;           /**< number of open files; atomic */
	uint64_t written;         /**< ns since 1970 of the last change of contents; atomic */
	pthread_mutex_t lock;     /**< for the attributes */
	struct stat directory;
	struct stat file;
};

/**
 * Open the volume; a read-only one is opened read-only.
 * @return 0, -ENOMEM, or what fido_blk_open() returns. @see image_close
 */
int image_open(struct image *image, struct fido_domain *domain, const struct image_config *config);
/** Close the volume. No thread uses its queues. */
void image_close(struct image *image);
/**
 * Flush the volume on its first queue, which no thread uses; wait for a backend that is away.
 * @param stop give up when it is not 0
 * @return 0; -EINTR: given up; or -errno of the backend
 */
int image_flush(struct image *image, const volatile sig_atomic_t *stop);

/** Copy the attributes of an inode. Any thread. @return 0, -ENOENT */
int image_stat(struct image *image, uint64_t ino, struct stat *out);
/**
 * Set attributes. Any thread. Truncation to 0 is ignored, as by a block device: programs that write
 * an image open it so.
 * @param to_set FUSE_SET_ATTR_*
 * @return 0, -ENOENT, -EINVAL (another size)
 */
int image_set(struct image *image, uint64_t ino, const struct stat *attr, int to_set);
/** Remember that the contents have changed now. Any thread. */
void image_written(struct image *image);

#endif
