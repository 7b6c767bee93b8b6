/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_NBDKIT_RANGE_H
#define FIDO_NBDKIT_RANGE_H

/**
 * @file
 * A lock of ranges of a volume. Whoever changes whole blocks holds their range shared; whoever
 * reads blocks, changes a part of them and writes them back holds it exclusively, so that no change
 * made in between is lost.
 *
 * Invariants
 * I1. A holder waits only for those who came before it: first come, first served; nobody starves,
 *     no cycle can form.
 * I2. Two that overlap hold at the same time only if both are shared.
 */

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

/** A holder, or one that waits to be; in its thread's stack. */
struct range {
	uint64_t begin; /**< bytes */
	uint64_t end;   /**< the first byte behind it */
	bool exclusive;
	TAILQ_ENTRY(range) entry;
};

struct range_lock {
	pthread_mutex_t mutex;
	pthread_cond_t given;
	TAILQ_HEAD(range_list, range) ranges; /**< in the order in which they came */
	unsigned int exclusive;               /**< in the list */
	unsigned int waiting;
};

/** @return 0 or -errno. @see range_lock_destroy */
int range_lock_create(struct range_lock *lock);
/** Nobody holds it. */
void range_lock_destroy(struct range_lock *lock);
/** Hold begin to end of *range, which its caller has filled; blocks. @see range_give */
void range_take(struct range_lock *lock, struct range *range);
/** Hold it no more. */
void range_give(struct range_lock *lock, struct range *range);

#endif
