/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_LOCK_H
#define FIDO_LOCK_H

/**
 * @file
 * A one-byte lock that the data path takes once per burst.
 *
 * It is nearly always free: only the thread that polls a queue takes it, except when the control
 * thread swaps the queue's rings (link up, link down, death) or another thread frees a received
 * buffer. So a driver's burst tries the lock, and is empty when the lock is held. Everybody else
 * spins, then yields. Private to the process, never in shared memory.
 */

#include <sched.h>
#include <stdbool.h>
#include <stdint.h>

#include <fido/atomic.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Zero-initialized: free. */
struct fido_lock {
	uint8_t held; /**< 1: held */
};

/** Take the lock if it is free. Any thread; does not block. @return true: taken */
static inline bool
fido_lock_try(struct fido_lock *lock)
{
	return __atomic_exchange_n(&lock->held, 1, __ATOMIC_ACQUIRE) == 0;
}

/** Take the lock; spin, then yield the processor, while it is held. Not for a driver's bursts. */
static inline void
fido_lock_take(struct fido_lock *lock)
{
	unsigned int spins = 0;

	while (!fido_lock_try(lock)) {
		if (++spins < 64)
			fido_pause();
		else
			sched_yield();
	}
}

/** Release the lock. The thread that holds it. */
static inline void
fido_lock_release(struct fido_lock *lock)
{
	fido_store_release(&lock->held, 0);
}

#ifdef __cplusplus
}
#endif

#endif
