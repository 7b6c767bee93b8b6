/* SPDX-License-Identifier: BSD-3-Clause */
#include "unix_socket.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static int
open_socket(const char *path, struct sockaddr_un *address)
{
	int fd;

	*address = (struct sockaddr_un){.sun_family = AF_UNIX};
	if (strlen(path) >= sizeof(address->sun_path))
		return -ENAMETOOLONG;
	strcpy(address->sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	return fd < 0 ? -errno : fd;
}

int
unix_listen(const char *path, mode_t mode, uid_t uid, gid_t gid)
{
	struct sockaddr_un address;
	int fd = open_socket(path, &address), ret = 0;

	if (fd < 0)
		return fd;
	unlink(path);
	/* Nobody can connect before listen(), when the socket has its owner and mode. */
	if (bind(fd, (const struct sockaddr *)&address, sizeof(address)) != 0 ||
		((uid != geteuid() || gid != (gid_t)-1) && chown(path, uid, gid) != 0) ||
		chmod(path, mode) != 0 || listen(fd, 64) != 0)
		ret = -errno;
	if (ret == 0)
		return fd;
	close(fd);
	return ret;
}

int
unix_connect(const char *path)
{
	struct sockaddr_un address;
	int fd = open_socket(path, &address), ret;

	if (fd < 0)
		return fd;
	if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0)
		return fd;
	ret = -errno;
	close(fd);
	return ret;
}
