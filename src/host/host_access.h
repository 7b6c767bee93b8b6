/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_HOST_ACCESS_H
#define FIDO_HOST_ACCESS_H

/**
 * @file
 * Access control of the host transport: whose processes may map a domain's memory.
 *
 * The first gate is the group's folder: a user without write permission cannot join, one without
 * search permission cannot connect. The second gate is optional: a domain's own list of users.
 * Before it sends anything it looks up the user at the other end of a connection (SO_PEERCRED) in
 * that list. Its own user and root are always allowed: they could read the process's memory anyway.
 */

#include <stdbool.h>
#include <sys/types.h>

#define FIDO_HOST_ACCESS_MAX 32

struct fido_host_access {
	bool listed; /**< false: no list, every user who can connect is allowed */
	unsigned int count;
	uid_t users[FIDO_HOST_ACCESS_MAX];
};

/**
 * Parse a list of user names or ids, separated by colons.
 * @param allow NULL: every user; "": this user and root only
 * @return 0, -EINVAL (no such user, or too many; message written)
 */
int fido_host_access_parse(struct fido_host_access *access, const char *allow);
/** @return true: the process at the other end of a Unix socket is allowed; *user is its user. */
bool fido_host_access_allows(const struct fido_host_access *access, int fd, uid_t *user);

#endif
