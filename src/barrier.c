/* SPDX-License-Identifier: BSD-3-Clause */
/* The asymmetric fence, by membarrier(2). */

#include <linux/membarrier.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <fido/atomic.h>

#include "barrier.h"

static pthread_once_t once = PTHREAD_ONCE_INIT;
static bool available;

static void
register_process(void)
{
	const char *off = getenv("FIDO_NO_MEMBARRIER");

	available = off == NULL && syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED, 0, 0) == 0 &&
		    syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL_EXPEDITED, 0, 0) == 0;
}

bool
fido_barrier_available(void)
{
	pthread_once(&once, register_process);
	return available;
}

void
fido_barrier_all(void)
{
	fido_fence_seq_cst();
	syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL_EXPEDITED, 0, 0);
}
