/* SPDX-License-Identifier: BSD-3-Clause */
#include "host_bell.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "doorbell_private.h"
#include "event.h"

static void
bell_ring(const struct fido_doorbell *bell)
{
	fido_event_signal(bell->fd);
}

static void
bell_clear(const struct fido_doorbell *bell)
{
	fido_event_take(bell->fd);
}

static void
bell_destroy(struct fido_doorbell *bell)
{
	close(bell->fd);
	free(bell);
	fido_event_unuse();
}

struct fido_doorbell *
fido_host_bell_of_fd(int fd)
{
	struct fido_doorbell *bell = malloc(sizeof(*bell));
	int ret = bell != NULL ? fido_event_use() : -ENOMEM;

	if (ret != 0) {
		free(bell);
		close(fd);
		errno = -ret;
		return NULL;
	}
	*bell = (struct fido_doorbell){fd, bell_ring, bell_clear, bell_destroy};
	return bell;
}

/*
 * Accept only an eventfd as a peer's doorbell: a write to a pipe or socket could kill us (SIGPIPE).
 * An eventfd has no file type; /proc, where it is mounted, tells it from other files without a
 * type.
 */
bool
fido_host_bell_valid(int fd)
{
	char path[32], name[32] = "";
	struct stat st;

	if (fstat(fd, &st) != 0 || (st.st_mode & S_IFMT) != 0)
		return false;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (readlink(path, name, sizeof(name) - 1) < 0)
		return true;
	return strcmp(name, "anon_inode:[eventfd]") == 0;
}

int
fido_host_bell_create(void *transport, struct fido_doorbell **out)
{
	int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);

	(void)transport;
	if (fd < 0)
		return -errno;
	*out = fido_host_bell_of_fd(fd);
	return *out != NULL ? 0 : -errno;
}
