/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_SLEEPER_H
#define FIDO_SLEEPER_H

/**
 * @file
 * The sleep handshake: what the side that wakes asks of the one that sleeps. The sleeper's half is fido_rxq_arm() and
 * fido_txq_arm(). The orderings F4 and F5 are in queue_shm.h, the proof in doc/memory-model.md.
 */

#include <stdbool.h>
#include <stdint.h>

#include <fido/atomic.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Whether a queue's thread sleeps at times (src/core/sleeper.h). */
struct fido_sleeper {
	uint32_t sleeps;
	bool just_told; /**< a ring in use was told; guarded by the queue's lock */
};

/**
 * The second half of the sleep handshake, after a burst. A peer that only polls costs no fence; one that begins to sleep
 * says so first, and lets every burst end that did not know (fido_sleeper_begin).
 * @return true: the peer sleeps, or is about to: ring
 */
static inline bool
fido_peer_armed(const uint32_t *sleeps, const uint32_t *armed)
{
	/* The compiler, too, leaves the burst before this: the sleeper waits for stores that left late, not for later ones. */
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
