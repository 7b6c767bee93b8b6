/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PERF_TEAM_H
#define PERF_TEAM_H

/** @file All workers of a run, and the main thread that watches them. */

#include <signal.h>
#include <stdio.h>

#include "worker.h"

/** The result of a run, summed over all queues. */
struct perf_result {
	double seconds;
	struct perf_counters total;
	struct fido_blk_stats stats;
	struct perf_checks checks;
	uint64_t failures; /**< errors and wrong blocks */
	uint64_t unanswered;
};

struct perf_team {
	const struct perf_options *opt;
	struct perf_run run;
	struct perf_worker *workers;
	unsigned int count;
	bool has_state;
};

/**
 * Create the workers, and the memory of their requests. Call this before the volume is opened: the
 * backend then maps that memory before it answers.
 * @param domain may be NULL if the options need no arena
 * @return 0: end with perf_team_destroy(); -errno: a message was written
 */
int perf_team_create(struct perf_team *team, const struct perf_options *opt,
	struct fido_domain *domain);
/**
 * Prepare the workers for the open volume. Refuse options that do not fit it.
 * @param opt range_length is filled in; flush_every becomes 0 if flushes are useless
 * @return 0, -errno: a message was written
 */
int perf_team_open(struct perf_team *team, struct perf_options *opt, struct fido_blk *blk);
/**
 * Run until the time, the count or a signal ends it.
 * @param signals incremented by a signal handler: 1 stops the run, 2 also skips the wait
 * @param result zero-initialized
 * @return 0, -errno: a thread cannot be started; a message was written
 */
int perf_team_run(struct perf_team *team, const volatile sig_atomic_t *signals,
	struct perf_result *result);
/** Print the summary, as one line of JSON. */
void perf_result_print(FILE *out, const struct perf_options *opt, const struct perf_result *r);
/** Free all. No worker may be running. */
void perf_team_destroy(struct perf_team *team);

#endif
