/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PERF_WORKER_H
#define PERF_WORKER_H

/**
 * @file
 * A thread that keeps one queue busy: it makes requests while there are free slots, hands them
 * over, polls for completions, and sleeps when there is nothing to do. What the requests are, and
 * what becomes of completions, is the business of the job: load.c measures, verify.c checks.
 */

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include <fido/blk.h>

#include "histogram.h"
#include "options.h"
#include "random.h"
#include "run.h"
#include "slots.h"

/** Requests handed over, and completions polled, at a time. */
#define PERF_BURST 32u

struct perf_worker;

enum perf_next {
	PERF_NEXT_REQUEST, /**< the slot's request is to be submitted */
	PERF_NEXT_LATER, /**< nothing before some completion has come */
	PERF_NEXT_END, /**< nothing any more */
};

/** What a worker does. All are called on the worker's thread. */
struct perf_job_ops {
	/**
	 * Make a request in the slot, which stays free when it says anything but PERF_NEXT_REQUEST.
	 */
	enum perf_next (*next)(struct perf_worker *w, struct perf_slot *slot);
	/**
	 * The request is done, or has failed. The slot is the job's; in the end it goes to
	 * perf_worker_release().
	 */
	void (*done)(struct perf_worker *w, struct perf_slot *slot, int error);
	/** No request will be made any more: give back all that is kept. */
	void (*stop)(struct perf_worker *w);
};

/** Read by the main thread at any time. */
struct perf_counters {
	uint64_t requests[8]; /**< done without an error, by enum fido_blk_op */
	uint64_t bytes[8];
	uint64_t errors;
	uint64_t inflight;
};

struct perf_worker {
	/* set before the thread starts */
	const struct perf_options *opt;
	struct perf_run *run;
	const struct perf_job_ops *ops;
	void *job; /**< the job's own */
	const struct fido_blk_info *info;
	struct fido_blk_queue *q;
	uint16_t index;
	uint64_t stripe_offset; /**< this queue's part of the volume */
	uint64_t stripe_length;
	uint64_t budget; /**< requests that are left to make */
	/* the thread's own */
	struct perf_slots slots;
	struct perf_random random;
	struct fido_blk_request pending[PERF_BURST]; /**< made, but not accepted yet */
	unsigned int pending_count;
	struct fido_blk_lent *release[PERF_BURST]; /**< to be given back together */
	unsigned int release_count;
	bool ended; /**< the job has nothing more */
	bool stopped;
	/* results */
	struct perf_counters counters;
	struct perf_histogram latency[8]; /**< nanoseconds, by enum fido_blk_op */
	struct fido_blk_stats stats;
	uint64_t unanswered; /**< requests that were given up */
	pthread_t thread;
	bool started;
};

/** The thread: run until the job ends or the run does. @param arg a struct perf_worker */
void *perf_worker_main(void *arg);
/** Give back what the slot was lent (soon, with others), and the slot. */
void perf_worker_release(struct perf_worker *w, struct perf_slot *slot);
/**
 * There was an error or wrong data: count it; stop the run, unless --continue-on-error.
 * @return true: write a message about it
 */
bool perf_worker_failed(struct perf_worker *w);

#endif
