/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_GROUP_H
#define FIDO_GROUP_H

/**
 * @file
 * Create a group before its first domain joins, for the users of a Unix group. Otherwise the first
 * domain creates the group, for its own user only, and the last one removes it. Host transport
 * only, but for fido_group_run_dir().
 */

#include <stddef.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Who may join a group. */
struct fido_group_config {
	/** Unix group whose users may join, by name or id; NULL: leave the folder's group alone. */
	const char *unix_group;
	/**
	 * Mode of the folder and, without x, of the files in it. 0: 0770 with unix_group, else
	 * 0750.
	 */
	mode_t mode;
};

/**
 * Create a group's folder, or change an existing one, but not the files of domains that have
 * joined. It stays until fido_group_destroy(). A folder that is neither a group nor empty belongs
 * to another program and is left alone. If this call creates the parent folder, it also opens that
 * to the users of unix_group. Any thread; file system calls only.
 *
 * @param group  "demo" or "host:demo"
 * @param config who may join
 * @return
 *   - 0
 *   - -EINVAL: bad name, no such Unix group, or a transport other than host
 *   - -ENOTEMPTY: the folder is not a group's
 *   - -EPERM, other -errno
 * fido_last_error() says more.
 * @see fido_group_destroy
 */
int fido_group_create(const char *group, const struct fido_group_config *config);
/**
 * Remove a group's folder. Any thread; file system calls only.
 * @return
 *   - 0
 *   - -EBUSY: a domain lives in it
 *   - -ENOTEMPTY: it is not a group's, or another program's files are in it
 *   - -ENOENT, -EINVAL, other -errno
 * fido_last_error() says more.
 * @see fido_group_create
 */
int fido_group_destroy(const char *group);
/**
 * Find the folder in which this user's groups have theirs: /run/fido for root, else
 * $XDG_RUNTIME_DIR/fido, else /tmp/fido-UID; FIDO_RUNDIR overrides. It need not exist. For tools
 * that look at groups of all transports. Any thread.
 *
 * @param out  receives the path
 * @param size of out, with the terminating zero
 * @return
 *   - 0
 *   - -ENAMETOOLONG: it does not fit (message written)
 */
int fido_group_run_dir(char *out, size_t size);

#ifdef __cplusplus
}
#endif

#endif
