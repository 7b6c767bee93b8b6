/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "wake.h"

static int fd = -1;

int
fwd_wake_create(void)
{
	fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	return fd < 0 ? -errno : 0;
}

void
fwd_wake_destroy(void)
{
	close(fd);
	fd = -1;
}

int
fwd_wake_fd(void)
{
	return fd;
}

void
fwd_wake_all(void)
{
	uint64_t one = 1;
	int saved = errno;
	/* It fails only if the counter is full, and then it is readable. */
	ssize_t n __attribute__((unused)) = write(fd, &one, sizeof(one));

	errno = saved;
}
