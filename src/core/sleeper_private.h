/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_SLEEPER_PRIVATE_H
#define FIDO_SLEEPER_PRIVATE_H

/**
 * @file
 * How a queue's thread begins to be one that sleeps.
 *
 * A peer pays for the sleep handshake (a full fence after each burst, F4) only when `sleeps` is set in the ring's other half.
 * It is set before a ring is offered, or, for rings that are in use, when the thread is about to arm for the first
 * time. A burst that was published just then by a peer that had not seen it may be in the peer's store buffer still: the
 * last look would miss it, and the peer does not ring. So the first time the thread waits much longer than
 * a store can stay there; bursts after that see `sleeps`, and fence.
 *
 * (membarrier(2), by which the sleeper could fence the others, is no way: Linux passes over a processor on which a thread of
 * the peer has ended, until another process has run there, so a wake-up was lost now and then.)
 */

#include <stdbool.h>
#include <stdint.h>

#include <fido/sleeper.h>

/** @return true when the queue's thread sleeps at times. Any thread. */
bool fido_sleeper_is(const struct fido_sleeper *s);
/** From now on it does. The queue's lock is held. */
void fido_sleeper_begin(struct fido_sleeper *s);
/** Set a ring's `sleeps` as it has to be. The queue's lock is held. */
void fido_sleeper_tell(struct fido_sleeper *s, uint32_t *sleeps);
/**
 * @return true: some ring has just been told: release the lock, fido_sleeper_wait(), take it, ask again. The queue's lock
 * is held.
 */
bool fido_sleeper_must_wait(struct fido_sleeper *s);
/** Blocks for about a millisecond. */
void fido_sleeper_wait(void);
/** F5: the fence between arming and the last look. */
void fido_sleeper_fence(void);

#endif
