/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_BARRIER_H
#define FIDO_BARRIER_H

/**
 * @file
 * The fence of the sleep handshake, paid by the one that goes to sleep.
 *
 * The handshake needs a full fence on both sides (F4, F5 of <fido/queue.h>). On the sender's side that is
 * once a burst, and it waits until the burst has left the core: some 300 ns here, as much as all the rest. Where
 * both domains run on one kernel, the sleeper asks the kernel to run a full fence on every running thread of
 * all processes that have registered (membarrier), and the sender needs none of its own.
 */

#include <stdbool.h>

/** Register this process, once. @return true when both sides can rely on fido_barrier_all() */
bool fido_barrier_available(void);
/** Full fence here and in all registered processes. Blocks for some microseconds. */
void fido_barrier_all(void);

#endif
