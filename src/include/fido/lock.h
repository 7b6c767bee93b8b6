/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_LOCK_H
#define FIDO_LOCK_H

/**
 * @file
 * A one-byte lock that the data path takes once a burst.
 *
 * It is nearly always free: the thread that polls a queue is the only one that touches it, except
 * when the control thread swaps the queue's rings (link up, link down, death) or when another thread
 * frees a received buffer. So the data path tries and gives way (an empty burst); the others spin and
 * yield. Private to the process, never in shared memory.
 */

#include <sched.h>
#include <stdbool.h>
#include <stdint.h>

#include <fido/atomic.h>

#ifdef __cplusplus
extern "C" {
#endif

struct fido_lock {
	uint8_t held;
};

/** Take the lock if it is free. @return true when taken. Any thread; does not block. */
static inline bool
fido_lock_try(struct fido_lock *lock)
{
	return __atomic_exchange_n(&lock->held, 1, __ATOMIC_ACQUIRE) == 0;
}

/** Take the lock, yielding the core while it is held. Not for the data path's bursts. */
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

/** Release the lock. */
static inline void
fido_lock_release(struct fido_lock *lock)
{
	fido_store_release(&lock->held, 0);
}

#ifdef __cplusplus
}
#endif

#endif
