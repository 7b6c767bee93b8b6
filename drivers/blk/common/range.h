/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_BLK_RANGE_H
#define FIDO_BLK_RANGE_H

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

/** A holder or waiter; memory of its thread, or of its request. */
struct range {
	uint64_t begin; /**< bytes */
	uint64_t end;   /**< first byte after the range */
	bool exclusive;
	/** For range_ask(): called once by the thread whose range_give() made this the holder. */
	void (*on_held)(struct range *range);
	bool waits; /**< range_ask() has returned false, and on_held was not called yet */
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
/**
 * Lock *range without blocking: the caller has set begin, end, exclusive and on_held. on_held runs
 * with the lock's mutex held: it must not call functions of this header.
 * @return true: held; false: on_held(range) tells when it is. @see range_give
 */
bool range_ask(struct range_lock *lock, struct range *range);
/** Unlock. */
void range_give(struct range_lock *lock, struct range *range);

#endif
