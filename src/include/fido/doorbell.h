/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_DOORBELL_H
#define FIDO_DOORBELL_H

/**
 * @file
 * Doorbells: the signal that wakes a sleeping domain. A doorbell belongs to the domain that sleeps
 * on it; the peer holds the other end and rings it. Ringing never blocks. A ring on a full counter
 * changes nothing, and loses nothing: the counter is not zero, so the sleeper wakes.
 */

#ifdef __cplusplus
extern "C" {
#endif

struct fido_doorbell;

/**
 * @return the file descriptor that turns readable when the doorbell rings, for poll(2) or epoll(7).
 *         It stays the doorbell's: do not close it. Owner.
 */
int fido_doorbell_fd(const struct fido_doorbell *bell);
/** Ring. Any thread; does not block. @param bell NULL (the peer has sent none yet) does nothing */
void fido_doorbell_ring(const struct fido_doorbell *bell);
/** Clear the signal: the descriptor is not readable until the next ring. Owner; does not block. */
void fido_doorbell_clear(const struct fido_doorbell *bell);

#ifdef __cplusplus
}
#endif

#endif
