/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_QUEUE_PRIVATE_H
#define FIDO_QUEUE_PRIVATE_H

/**
 * @file The ends of a queue, for libfido only: create and free them, recall tickets after a death.
 */

#include <fido/receiver.h>
#include <fido/sender.h>

/** Most batch numbers. When they are used up, the tickets that are still held become old. */
#define FIDO_BATCHES_MAX 16384u
/** Batch number of an old ticket: its time is in fido_receiver.old_at. */
#define FIDO_BATCH_OLD 0x7fffu

/**
 * Create the sender's end of a queue.
 *
 * Control path. The receiver's part is attached later.
 *
 * @param out      receives the sender
 * @param shm      zeroed (I5); stays the caller's, who frees it after fido_sender_destroy()
 * @param n        ring size
 * @param queue_id fido_queue_id()
 * @return 0, -EINVAL (ring size), -ENOMEM
 * @see fido_sender_destroy
 */
int fido_sender_create(struct fido_sender **out, struct fido_sender_shm *shm, uint32_t n,
	uint64_t queue_id);

/** Attach the receiver's part. Before the first put. */
void fido_sender_attach(struct fido_sender *s, const struct fido_receiver_shm *peer);
/** Free the sender's end. NULL is legal. Cookies that are still out are dropped. */
void fido_sender_destroy(struct fido_sender *s);

/** As fido_sender_reap(), with the status of each. */
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
 * Take back the cookies of recalled tickets (fido_posted.at is UINT64_MAX): the receiver has ended
 * and no domain reads their memory. Sender; after fido_sender_reap() has found no more.
 * @param cookies room for max
 * @return number of cookies
 */
unsigned int fido_sender_recall(struct fido_sender *s, void **cookies, unsigned int max);

/**
 * Create the receiver's end of a queue. Control path.
 *
 * @param out  receives the receiver
 * @param shm  zeroed; stays the caller's, who frees it after fido_receiver_destroy()
 * @param peer the sender's part, checked to be mapped for fido_sender_shm_size(n) bytes
 * @param n    ring size
 * @param map  what the domain has mapped
 * @return 0, -EINVAL (ring size), -ENOMEM
 * @see fido_receiver_destroy
 */
int fido_receiver_create(struct fido_receiver **out, struct fido_receiver_shm *shm,
	const struct fido_sender_shm *peer, uint32_t n, const struct fido_map *map);

/** Free the receiver's end. NULL is legal. */
void fido_receiver_destroy(struct fido_receiver *r);

/** @return when a held ticket was read, or a little later; UINT64_MAX: not known yet */
static inline uint64_t
fido_receiver_polled_at(const struct fido_receiver *r, uint32_t ticket)
{
	uint64_t batch = (r->held[ticket] & ~FIDO_HELD) >> FIDO_GADDR_BITS;

	return batch == FIDO_BATCH_OLD ? r->old_at[ticket]
				       : fido_load_relaxed(&r->polled_at[batch]);
}

#endif
