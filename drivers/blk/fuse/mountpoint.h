/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_FUSE_MOUNTPOINT_H
#define FIDO_FUSE_MOUNTPOINT_H

/**
 * @file
 * The directory where a volume is mounted: check it before, unmount it afterwards. Control thread.
 */

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

struct mountpoint {
	char path[PATH_MAX]; /**< absolute, without links */
	char file[PATH_MAX]; /**< the volume's file */
};

/**
 * Find the mountpoint, and make it ready: unmount a mount of this program whose process has died.
 * @param name of the volume
 * @return 0, -errno after a message: it does not exist, is no empty directory, or is in use
 */
int mountpoint_prepare(struct mountpoint *mp, const char *path, const char *name);
/** Check that /dev/fuse can be opened. @return 0, -errno after a message */
int mountpoint_check_fuse(void);
/**
 * Unmount, as root or by fusermount3.
 * @param lazily although it is in use: it disappears now, and ends with its last user
 * @return 0, also if it is not mounted any more; -EBUSY: it is in use; other -errno
 */
int mountpoint_unmount(const struct mountpoint *mp, bool lazily);
/** Describe who uses it: processes, loop devices and their mounts; "" if nobody can be seen. */
void mountpoint_users(const struct mountpoint *mp, char *text, size_t size);

#endif
