/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_DOORBELL_H
#define FIDO_DOORBELL_H

/**
 * @file
 * Doorbells: the signal that wakes a sleeping domain. A doorbell belongs to the domain that sleeps on
 * it; its peer holds the other end and rings. Ringing never blocks and may be lost on a full counter,
 * which is no loss: the counter is not zero then.
 */

#ifdef __cplusplus
extern "C" {
#endif

struct fido_doorbell;

/** @return the file descriptor that turns readable when the doorbell rings (poll, epoll). */
int fido_doorbell_fd(const struct fido_doorbell *bell);
/** Ring. Any thread; does not block. NULL: the peer has none yet; nothing happens. */
void fido_doorbell_ring(const struct fido_doorbell *bell);
/** Take the signal off, so that the descriptor is not readable until the next ring. Owner. */
void fido_doorbell_clear(const struct fido_doorbell *bell);

#ifdef __cplusplus
}
#endif

#endif
