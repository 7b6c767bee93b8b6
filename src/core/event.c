/* SPDX-License-Identifier: BSD-3-Clause */
/* Signal an eventfd without blocking. */

#include "event.h"

#include <errno.h>
#include <linux/aio_abi.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include <fido/atomic.h>

/* Requests that may be complete but not collected; also how many are collected at a time. */
#define REQUESTS 64

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static unsigned int users;
static int ready_fd = -1;     /* an eventfd that is always readable */
static aio_context_t context; /* 0: none. Never destroyed: that would wait for all processors */
static pid_t context_of;      /* process of context: a child does not inherit it */

static void
context_make(void)
{
	aio_context_t made = 0;

	if (context != 0 && context_of == getpid())
		return;
	if (syscall(SYS_io_setup, REQUESTS, &made) != 0)
		made = 0;
	context_of = getpid();
	fido_store_release(&context, made);
}

int
fido_event_use(void)
{
	int ret = 0;

	pthread_mutex_lock(&lock);
	if (users == 0) {
		ready_fd = eventfd(1, EFD_NONBLOCK | EFD_CLOEXEC);
		ret = ready_fd < 0 ? -errno : 0;
	}
	if (ret == 0) {
		context_make();
		users++;
	}
	pthread_mutex_unlock(&lock);
	return ret;
}

void
fido_event_unuse(void)
{
	pthread_mutex_lock(&lock);
	if (--users == 0) {
		close(ready_fd);
		ready_fd = -1;
	}
	pthread_mutex_unlock(&lock);
}

static void
collect(aio_context_t c)
{
	struct io_event events[REQUESTS];
	struct timespec none = {0};

	syscall(SYS_io_getevents, c, 0, REQUESTS, events, &none);
}

/*
 * Submit a request that completes at once, a poll of ready_fd, so that its completion signals fd.
 * @return true: fd is signalled
 */
static bool
signal_by_request(int fd)
{
	aio_context_t c = fido_load_acquire(&context);
	struct iocb request = {.aio_lio_opcode = IOCB_CMD_POLL,
		.aio_fildes = (uint32_t)ready_fd,
		.aio_buf = POLLIN,
		.aio_flags = IOCB_FLAG_RESFD,
		.aio_resfd = (uint32_t)fd};
	struct iocb *list[] = {&request};

	for (int tries = 0; c != 0 && tries < 8; tries++) {
		if (syscall(SYS_io_submit, c, 1L, list) == 1)
			return true;
		if (errno != EAGAIN)
			return false;
		collect(c);
	}
	return false;
}

void
fido_event_signal(int fd)
{
	uint64_t one = 1;
	ssize_t n;

	if (signal_by_request(fd))
		return;
	n = write(fd, &one, sizeof(one));
	(void)n; /* A full counter is already a signal. */
}

void
fido_event_take(int fd)
{
	uint64_t value;
	struct iovec iov = {&value, sizeof(value)};
	ssize_t n = preadv2(fd, &iov, 1, -1, RWF_NOWAIT);

	if (n < 0 && (errno == EOPNOTSUPP || errno == ENOSYS))
		n = read(fd, &value, sizeof(value));
	(void)n;
}
