/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_QUEUE_PRIVATE_H
#define FIDO_QUEUE_PRIVATE_H

/** @file The ends of a queue, as libfido alone uses them: their lives, and what a death leaves. */

#include <fido/receiver.h>
#include <fido/sender.h>

/** Most batches that have a number of their own. When the numbers are used up, what is still held becomes old. */
#define FIDO_BATCHES_MAX 16384u
#define FIDO_BATCH_OLD 0x7fffu

/**
 * Make the sender's end of a queue.
 *
 * Control thread. shm is zeroed (I5) and belongs to the sender; it stays owned by the caller, who frees
 * it after fido_sender_destroy(). The receiver's part is attached later.
 *
 * @param n  ring size
 * @return 0, -EINVAL (ring size), -ENOMEM
 * @see fido_sender_destroy
 */
int fido_sender_create(struct fido_sender **out, struct fido_sender_shm *shm, uint32_t n,
	uint64_t queue_id);

/** Tell the sender where the receiver's part is. Before the first put. */
void fido_sender_attach(struct fido_sender *s, const struct fido_receiver_shm *peer);
/** Free the sender's end. NULL is legal. Cookies that are still out are not touched. */
void fido_sender_destroy(struct fido_sender *s);

/** As fido_sender_reap(), with each one's status. */
static inline unsigned int
fido_sender_reap_status(struct fido_sender *s, void **cookies, uint16_t *status, unsigned int max)
{
	unsigned int n = 0;

	while (n < max && (s->run_left != 0 || fido_sender_next_run(s))) {
		uint16_t run_status = s->run_status;
		unsigned int end = n + fido_sender_take_run(s, cookies + n, max - n);

		while (n < end)
			status[n++] = run_status;
	}
	return n;
}

/**
 * Take back cookies whatever the receiver says: it has ended, and nobody reads any more what they stand for
 * (fido_posted.at is UINT64_MAX). Sender; after fido_sender_reap() finds nothing.
 * @return number of cookies
 */
unsigned int fido_sender_recall(struct fido_sender *s, void **cookies, unsigned int max);

/**
 * Make the receiver's end of a queue.
 *
 * Control thread. shm is zeroed and belongs to the receiver; peer is the sender's part, checked to be
 * mapped for fido_sender_shm_size(n) bytes.
 *
 * @return 0, -EINVAL (ring size), -ENOMEM
 * @see fido_receiver_destroy
 */
int fido_receiver_create(struct fido_receiver **out, struct fido_receiver_shm *shm,
	const struct fido_sender_shm *peer, uint32_t n, const struct fido_map *map);

/** Free the receiver's end. NULL is legal. */
void fido_receiver_destroy(struct fido_receiver *r);

/** @return when a ticket that is held was read, or a little later; UINT64_MAX: not known */
static inline uint64_t
fido_receiver_polled_at(const struct fido_receiver *r, uint32_t ticket)
{
	uint64_t batch = (r->held[ticket] & ~FIDO_HELD) >> FIDO_GADDR_BITS;

	return batch == FIDO_BATCH_OLD ? r->old_at[ticket]
				       : fido_load_relaxed(&r->polled_at[batch]);
}

#endif
