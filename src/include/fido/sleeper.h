/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_SLEEPER_H
#define FIDO_SLEEPER_H

/**
 * @file
 * The waker's half of the sleep handshake: must the peer's doorbell be rung? The sleeper's half is
 * fido_rxq_arm() and fido_txq_arm(). Orderings F4 and F5 are in queue_shm.h, the proof in
 * doc/memory-model.md.
 */

#include <stdbool.h>
#include <stdint.h>

#include <fido/atomic.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Whether a queue's thread ever sleeps. Private to libfido (src/core/sleeper_private.h). */
struct fido_sleeper {
	uint32_t sleeps; /**< 1: it does. Written with the queue's lock, read by any thread */
	bool just_told;  /**< `sleeps` was just set in a ring in use. Guarded by the queue's lock */
};

/**
 * Ask, after publishing a burst, whether the peer must be woken. Any thread; does not block. A peer
 * that only polls costs no fence. A peer that starts to sleep sets `sleeps` first, and then waits
 * until every burst that did not see it is visible (src/core/sleeper_private.h).
 * @param sleeps, armed the words of that name in the peer's half of the ring
 * @return true: the peer sleeps or is about to; ring its doorbell
 */
static inline bool
fido_peer_armed(const uint32_t *sleeps, const uint32_t *armed)
{
	/* The compiler must not move the burst below this load: the sleeper waits for stores that
	 * are still in a store buffer, not for stores that have yet to be executed. */
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	if (__builtin_expect(fido_load_relaxed(sleeps) == 0, 1))
		return false;
	/* F4: pairs with F5. The burst is visible before `armed` is read. */
	fido_fence_seq_cst();
	return fido_load_relaxed(armed) != 0;
}

#ifdef __cplusplus
}
#endif

#endif
