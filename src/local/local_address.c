/* SPDX-License-Identifier: BSD-3-Clause */
/* Sockets in a group's folder. Their paths may be longer than a socket's address can hold. */

#include "local_folder.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fido/log.h>

#include "fork_guard.h"

int
fido_local_folder_address(const struct fido_local_folder *g, const char *name,
	struct sockaddr_un *out)
{
	char path[FIDO_LOCAL_PATH_MAX + 8];
	size_t len;

	memset(out, 0, sizeof(*out));
	out->sun_family = AF_UNIX;
	len = (size_t)snprintf(path, sizeof(path), "%s/%.*s.sock", g->dir, FIDO_NAME_MAX - 1, name);
	if (len >= sizeof(out->sun_path))
		return -ENAMETOOLONG;
	memcpy(out->sun_path, path, len);
	return 0;
}

/*
 * Reach a path that is too long through a descriptor of the folder, in /proc/self/fd.
 * @param dir that descriptor, to be closed after use; -1: not needed
 * @return 0, -errno
 */
static int
address_of(const struct fido_local_folder *g, const char *name, struct sockaddr_un *out, int *dir)
{
	*dir = -1;
	if (fido_local_folder_address(g, name, out) == 0)
		return 0;
	if (access("/proc/self/fd", X_OK) != 0)
		return -ENAMETOOLONG;
	*dir = open(g->dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (*dir < 0)
		return -errno;
	snprintf(out->sun_path, sizeof(out->sun_path), "/proc/self/fd/%d/%.*s.sock", *dir,
		FIDO_NAME_MAX - 1, name);
	return 0;
}

static int
new_socket(int type)
{
	int fd = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	return fd < 0 ? -errno : fd;
}

/*
 * Connect or listen at a domain's address.
 * @param fd   the socket; closed on failure
 * @param use  use_connect() or use_listen(): returns 0, or -1 and errno
 * @return fd, -errno
 */
static int
use_at(const struct fido_local_folder *g, const char *name, int fd,
	int (*use)(const struct fido_local_folder *g, int fd, const struct sockaddr_un *address))
{
	struct sockaddr_un address;
	int dir, err = -address_of(g, name, &address, &dir);

	if (err == 0 && use(g, fd, &address) != 0)
		err = errno;
	if (dir >= 0)
		close(dir);
	if (err == 0)
		return fido_fork_guard(fd);
	close(fd);
	return -err;
}

static int
use_connect(const struct fido_local_folder *g, int fd, const struct sockaddr_un *address)
{
	(void)g;
	return connect(fd, (const struct sockaddr *)address, sizeof(*address));
}

int
fido_local_folder_connect(const struct fido_local_folder *g, const char *name)
{
	int fd = new_socket(SOCK_SEQPACKET);

	return fd < 0 ? fd : use_at(g, name, fd, use_connect);
}

int
fido_local_folder_connect_stream(const struct fido_local_folder *g, const char *name)
{
	int fd = new_socket(SOCK_STREAM);

	return fd < 0 ? fd : use_at(g, name, fd, use_connect);
}

/*
 * Set the mode of a socket after bind(), before anyone can connect. The umask, which gives the mode
 * at bind(), belongs to the whole process: changing it could affect other threads.
 */
static void
share(const struct fido_local_folder *g, const char *path)
{
	struct stat dir, st;
	bool same;

	if (stat(g->dir, &dir) != 0 || lstat(path, &st) != 0 || !S_ISSOCK(st.st_mode))
		return;
	same = st.st_gid == dir.st_gid ||
		fchownat(AT_FDCWD, path, (uid_t)-1, dir.st_gid, AT_SYMLINK_NOFOLLOW) == 0;
	fchmodat(AT_FDCWD, path, fido_local_shared_mode(&dir, same), AT_SYMLINK_NOFOLLOW);
}

static int
use_listen(const struct fido_local_folder *g, int fd, const struct sockaddr_un *address)
{
	if (bind(fd, (const struct sockaddr *)address, sizeof(*address)) != 0)
		return -1;
	share(g, address->sun_path);
	return listen(fd, 128);
}

int
fido_local_folder_listen(const struct fido_local_folder *g, const char *name)
{
	int fd = new_socket(SOCK_SEQPACKET);

	if (fd < 0)
		return fd;
	fd = use_at(g, name, fd, use_listen);
	if (fd >= 0)
		return fd;
	if (fd == -ENAMETOOLONG)
		fido_log(FIDO_LOG_ERROR,
			"%s/%s.sock: without /proc a socket's path has at most %zu bytes: mount "
			"/proc, or set FIDO_RUNDIR to a shorter one",
			g->dir, name, sizeof(((struct sockaddr_un *)NULL)->sun_path) - 1);
	else
		fido_log(FIDO_LOG_ERROR,
			"cannot listen on %s/%s.sock: %s: this user needs write permission for the "
			"group's folder",
			g->dir, name, strerror(-fd));
	return fd;
}
