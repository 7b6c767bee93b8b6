/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_VMD_UNIX_SOCKET_H
#define FIDO_VMD_UNIX_SOCKET_H

/** @file Unix sockets by path. All are streams that do not block and are closed at exec. */

#include <sys/types.h>

/**
 * Listen at a path; a socket that is there already is replaced.
 * @param mode of the socket
 * @param uid  its owner
 * @param gid  its Unix group; (gid_t)-1: leave it alone
 * @return a descriptor, -errno
 */
int unix_listen(const char *path, mode_t mode, uid_t uid, gid_t gid);
/** Connect to a path. @return a descriptor; -ECONNREFUSED, -ENOENT: nobody listens; -errno */
int unix_connect(const char *path);

#endif
