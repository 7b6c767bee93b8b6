/* SPDX-License-Identifier: BSD-3-Clause */
/* Close guarded file descriptors in every child of fork(). */

#include "fork_guard.h"

#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BITS 64

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static uint64_t *guarded; /* one bit per descriptor */
static int words;         /* of guarded */

static void
before_fork(void)
{
	pthread_mutex_lock(&lock);
}

static void
in_parent(void)
{
	pthread_mutex_unlock(&lock);
}

/* After fork() in a threaded process: only system calls, and no allocation. */
static void
in_child(void)
{
	for (int i = 0; i < words; i++)
		for (; guarded[i] != 0; guarded[i] &= guarded[i] - 1)
			close(i * BITS + __builtin_ctzll(guarded[i]));
	pthread_mutex_unlock(&lock);
}

static void
install(void)
{
	pthread_atfork(before_fork, in_parent, in_child);
}

int
fido_fork_guard(int fd)
{
	if (fd < 0)
		return fd;
	pthread_once(&once, install);
	pthread_mutex_lock(&lock);
	if (fd / BITS >= words) {
		int want = fd / BITS + 1;
		uint64_t *more = realloc(guarded, (size_t)want * sizeof(*more));

		if (more == NULL) { /* A child then keeps fd: no reason to fail. */
			pthread_mutex_unlock(&lock);
			return fd;
		}
		memset(more + words, 0, (size_t)(want - words) * sizeof(*more));
		guarded = more;
		words = want;
	}
	guarded[fd / BITS] |= UINT64_C(1) << fd % BITS;
	pthread_mutex_unlock(&lock);
	return fd;
}

void
fido_fork_close(int fd)
{
	if (fd < 0)
		return;
	pthread_mutex_lock(&lock);
	if (fd / BITS < words)
		guarded[fd / BITS] &= ~(UINT64_C(1) << fd % BITS);
	close(fd); /* with the lock held: another thread may reuse the number at once */
	pthread_mutex_unlock(&lock);
}
