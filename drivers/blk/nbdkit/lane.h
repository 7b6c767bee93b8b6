/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_NBDKIT_LANE_H
#define FIDO_NBDKIT_LANE_H

/**
 * @file
 * A lane: one queue of a volume, used by any number of threads, each of which waits for its own
 * requests (nbdkit calls pread() and pwrite() on many threads, and they block).
 *
 * One of the threads that wait leads: it polls the queue, and sleeps on its descriptor when nothing
 * comes. To the others it hands what is theirs. When its own work is done, it passes the lead on,
 * to the one that came last: that one is likely to wait longest. Nobody leads, and nothing runs,
 * when nobody waits.
 *
 *   thread     lock held                        not held
 *   any        submit, release                  copy from lent memory to where it is wanted
 *   leader     poll, arm, disarm; hand out      wake the others; sleep on the queue's descriptor
 *   follower   take what is its                 sleep on its semaphore
 *
 * Invariants
 * I1. As long as a part of any job is not done there is a leader; it polls, sleeps on the queue's
 *     armed descriptor, or has been told that it leads.
 * I2. Nobody waits for anything while holding lent memory: the backend's buffers come back whatever
 *     others do.
 * I3. job.signalled: exactly one sem_post() is coming, or has come and was not waited for. A job
 *     does not end before that was waited for: whoever posts never touches a job that has ended.
 * I4. What is submitted while the leader sleeps cannot hide a completion from it: the submitter
 *     arms again, and wakes it when something waits.
 */

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include <fido/blk.h>

/** Parts of one job. */
#define LANE_PARTS_MAX 64u

struct lane_job;

/** One request of a job: whole blocks. The first fields are the caller's. */
struct lane_part {
	uint64_t offset; /**< bytes */
	uint64_t length; /**< bytes */
	void *data;      /**< write: from where; read: to where; else NULL */
	uint32_t skip;   /**< read: bytes at the beginning that are not wanted */
	uint32_t wanted; /**< read: bytes that are, behind them */
	/* The lane's. */
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
	unsigned int spin_us; /**< how long a leader polls before it sleeps */
	/** A leader waits for a backend that is not there. Any thread; must not block. */
	void (*on_absent)(void *arg);
	void *arg;
};

struct lane {
	struct lane_config config;
	pthread_mutex_t lock; /**< of all that follows, and of the queue */
	struct lane_job *leader;
	TAILQ_HEAD(lane_jobs, lane_job) jobs; /**< with parts that are not done, as they came */
	struct lane_job *to_wake;             /**< to be posted when the lock is given back */
	struct lane_parts pending;            /**< parts that the queue had no room for */
	int wake_fd;                          /**< eventfd: wakes the leader */
	bool asleep; /**< the leader is, or will look at wake_fd before it sleeps */
	bool abandoned;
	uint64_t sleeps; /**< times a leader slept */
	uint64_t late;   /**< wake-ups that were lost: time ended a sleep in vain */
};

/** @return 0 or -errno. @see lane_destroy */
int lane_create(struct lane *lane, const struct lane_config *config);
/** Nobody is in lane_run(), and the queue is not used any more. */
void lane_destroy(struct lane *lane);
/**
 * Do all parts of a job, in any order; blocks until they are done. Any thread.
 *
 * @param op, flags of each part; FIDO_BLK_LEND is set as needed
 * @param n 1 to LANE_PARTS_MAX
 * @return 0, the -errno of one that failed, -ESHUTDOWN (lane_abandon)
 */
int lane_run(struct lane *lane, enum fido_blk_op op, uint32_t flags, struct lane_part *parts,
	unsigned int n);
/**
 * Let all threads go: what they wait for may or may not be done. The queue is not used any more.
 * Any thread.
 */
void lane_abandon(struct lane *lane);

#endif
