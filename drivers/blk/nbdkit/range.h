/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_NBDKIT_RANGE_H
#define FIDO_NBDKIT_RANGE_H

/**
 * @file
 * A lock for ranges of a volume. A request that changes whole blocks holds their range shared. One
 * that reads blocks, changes a part of them and writes them back holds it exclusively, so that no
 * change in between is lost.
 *
 * Invariants
 * I1. A holder waits only for those that came before it: first come, first served. No request
 *     starves, and no cycle can form.
 * I2. Overlapping ranges are held at the same time only if both are shared.
 */

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

/** A holder or waiter; on the stack of its thread. */
struct range {
	uint64_t begin; /**< bytes */
	uint64_t end;   /**< first byte after the range */
	bool exclusive;
	TAILQ_ENTRY(range) entry;
};

struct range_lock {
	pthread_mutex_t mutex;
	pthread_cond_t given;
	TAILQ_HEAD(range_list, range) ranges; /**< in order of arrival */
	unsigned int exclusive;               /**< number of exclusive ones */
	unsigned int waiting;
};

/** @return 0 or -errno. @see range_lock_destroy */
int range_lock_create(struct range_lock *lock);
/** Destroy. Nobody holds a range. */
void range_lock_destroy(struct range_lock *lock);
/** Lock *range: the caller has set begin, end and exclusive. Blocks. @see range_give */
void range_take(struct range_lock *lock, struct range *range);
/** Unlock. */
void range_give(struct range_lock *lock, struct range *range);

#endif
