/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_HOST_ACCESS_H
#define FIDO_HOST_ACCESS_H

/**
 * @file
 * Which users' processes may map a domain's memory, on the host transport.
 *
 * The first gate is the group's folder: who cannot write there cannot join, who cannot search it cannot connect. The
 * second, optional, is each domain's own: a list of users, compared with what the kernel says of the other end of
 * a connection (SO_PEERCRED), before anything is sent to it. This user and root are always let in: they could read
 * the process's memory anyway.
 */

#include <stdbool.h>
#include <sys/types.h>

#define FIDO_HOST_ACCESS_MAX 32

struct fido_host_access {
	bool listed; /**< false: everybody who can connect */
	unsigned int count;
	uid_t users[FIDO_HOST_ACCESS_MAX];
};

/**
 * Read a list of user names or ids, separated by colons; NULL: everybody. "" is nobody else.
 * @return 0, -EINVAL (no such user, or too many; message written)
 */
int fido_host_access_parse(struct fido_host_access *access, const char *allow);
/** @return true when the process at the other end of a Unix socket may come in; *user is whose it is. */
bool fido_host_access_allows(const struct fido_host_access *access, int fd, uid_t *user);

#endif
