/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_NBDKIT_LANE_H
#define FIDO_NBDKIT_LANE_H

/**
 * @file
 * A lane: one queue of a volume, shared by any number of threads, each of which waits for its own
 * requests (nbdkit calls pread() and pwrite() on many threads, and they block).
 *
 * One of the waiting threads is the leader: it polls the queue, sleeps on its descriptor when there
 * is nothing to poll, and hands out completions to the others. When its own job is done, it passes
 * the lead to the thread that came last, which is likely to wait longest. When no thread waits,
 * there is no leader, and nothing runs.
 *
 *   thread     lock held                        not held
 *   any        submit, release                  copy from lent memory to the caller's buffer
 *   leader     poll, arm, disarm; hand out      wake the others; sleep on the queue's descriptor
 *   follower   take its completions             sleep on its semaphore
 *
 * Invariants
 * I1. While a part of any job is not done, there is a leader. It polls, sleeps on the queue's armed
 *     descriptor, or has been signalled that it leads.
 * I2. No thread waits for anything while it holds lent memory: the backend's buffers are returned
 *     whatever other threads do.
 * I3. job.signalled: exactly one sem_post() is coming, or has come and was not waited for. A job
 *     does not end before that was waited for: a poster never accesses a job that has ended.
 * I4. A request submitted while the leader sleeps cannot hide a completion from it: the submitter
 *     arms again, and wakes the leader if there is something to poll.
 */

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include <fido/blk.h>

/** Maximum number of parts of a job. */
#define LANE_PARTS_MAX 64u

struct lane_job;

/** One request of a job: whole blocks. The caller fills in the fields up to wanted. */
struct lane_part {
	uint64_t offset; /**< bytes */
	uint64_t length; /**< bytes */
	void *data;      /**< read, write: buffer; else NULL */
	uint32_t skip;   /**< read: ignore this many bytes first */
	uint32_t wanted; /**< read: then copy this many bytes */
	/* For the lane's use. */
	struct lane_job *job;
	STAILQ_ENTRY(lane_part) next;
	const struct iovec *iov;
	unsigned int iovcnt;
	struct fido_blk_lent *lent;
};

STAILQ_HEAD(lane_parts, lane_part);

struct lane_config {
	struct fido_blk *blk;
	struct fido_blk_queue *queue;
	unsigned int spin_us; /**< time that a leader polls before it sleeps */
	/** Called when a leader waits for an absent backend. Any thread; must not block. */
	void (*on_absent)(void *arg);
	void *arg;
};

struct lane {
	struct lane_config config;
	pthread_mutex_t lock; /**< guards the fields below, and the queue */
	struct lane_job *leader;
	TAILQ_HEAD(lane_jobs, lane_job) jobs; /**< with undone parts, in order */
	struct lane_job *to_wake;             /**< to wake when the lock is released */
	struct lane_parts pending;            /**< parts to submit when the queue has room */
	int wake_fd;                          /**< eventfd: wakes the leader */
	bool asleep; /**< the leader sleeps, or will check wake_fd before it does */
	bool abandoned;
	uint64_t sleeps; /**< number of sleeps of leaders */
	uint64_t late;   /**< lost wake-ups: the timeout ended a sleep, and there was work */
};

/** @return 0 or -errno. @see lane_destroy */
int lane_create(struct lane *lane, const struct lane_config *config);
/** Destroy. No thread is in lane_run(), and the queue is not used any more. */
void lane_destroy(struct lane *lane);
/**
 * Do all parts of a job, in any order. Blocks until they are done. Any thread.
 *
 * @param op, flags for all parts; the lane adds FIDO_BLK_LEND where needed
 * @param n 1 to LANE_PARTS_MAX
 * @return 0, -errno of a failed part, -ESHUTDOWN after lane_abandon()
 */
int lane_run(struct lane *lane, enum fido_blk_op op, uint32_t flags, struct lane_part *parts,
	unsigned int n);
/**
 * Release all threads from lane_run(): their requests may or may not be done. The queue is not used
 * any more. Any thread.
 */
void lane_abandon(struct lane *lane);

#endif
