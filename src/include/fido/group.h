/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_GROUP_H
#define FIDO_GROUP_H

/**
 * @file
 * Making a group before its first domain joins, for the users of a Unix group. Without this a group comes with its first
 * domain, for that domain's user alone, and goes with the last. Host transport.
 */

#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

struct fido_group_config {
	const char *
		unix_group; /**< name or id of the Unix group whose users may join; NULL: as the folder's place has it */
	mode_t mode; /**< of the folder, and without x of all that is in it; 0: 0770 with unix_group, else 0750 */
};

/**
 * Make a group's folder, or change one that is there (not the files of domains that have joined). It stays until
 * fido_group_destroy(). Another program's folder, which is neither a group nor empty, is left as it is. The folder that it lies in is
 * opened to the users of unix_group if this call makes it.
 * @return 0, -EINVAL (not a name, no such Unix group, not on this transport), -ENOTEMPTY (not a group), -EPERM, -errno;
 *         fido_last_error() says more
 */
int fido_group_create(const char *group, const struct fido_group_config *config);
/**
 * Remove a group's folder.
 * @return 0, -EBUSY (a domain lives in it), -ENOENT, -ENOTEMPTY (it is no group, or another program's files are in it), -EINVAL,
 *         -errno; fido_last_error() says more
 */
int fido_group_destroy(const char *group);

#ifdef __cplusplus
}
#endif

#endif
