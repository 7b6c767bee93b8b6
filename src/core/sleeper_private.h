/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_SLEEPER_PRIVATE_H
#define FIDO_SLEEPER_PRIVATE_H

/**
 * @file
 * Switch a queue from polling to sleeping.
 *
 * A peer pays for the sleep handshake (a full fence after each burst, F4) only if `sleeps` is set
 * in our half of the ring. It is set before a ring is offered; for rings in use it is set when the
 * thread arms for the first time. A peer that published a burst just then, before it saw `sleeps`,
 * may still have the burst in its store buffer. Our last look would miss the burst, and the peer
 * does not ring. So after setting `sleeps` the thread waits once, much longer than a store can stay
 * in a store buffer. Later bursts see `sleeps`, and fence.
 *
 * (membarrier(2), with which the sleeper could fence the peers instead, does not work: Linux skips
 * a processor on which a thread of the peer has ended, until another process has run there.
 * Wake-ups were lost now and then.)
 */

#include <stdbool.h>
#include <stdint.h>

#include <fido/sleeper.h>

/** @return true: the queue's thread sleeps at times. Any thread. */
bool fido_sleeper_is(const struct fido_sleeper *s);
/** Record that the queue's thread sleeps at times from now on. The queue's lock is held. */
void fido_sleeper_begin(struct fido_sleeper *s);
/** Set a ring's `sleeps` if the queue's thread sleeps. The queue's lock is held. */
void fido_sleeper_tell(struct fido_sleeper *s, uint32_t *sleeps);
/**
 * Ask whether `sleeps` of some ring has just been set. The queue's lock is held.
 * @return true: release the lock, call fido_sleeper_wait(), take the lock and ask again
 */
bool fido_sleeper_must_wait(struct fido_sleeper *s);
/** Wait until all peers see `sleeps`: about a millisecond. */
void fido_sleeper_wait(void);
/** F5: the fence between arming and the last look. */
void fido_sleeper_fence(void);

#endif
