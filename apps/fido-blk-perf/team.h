/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PERF_TEAM_H
#define PERF_TEAM_H

/** @file All workers of a run, and the main thread that watches them. */

#include <signal.h>
#include <stdio.h>

#include "worker.h"

/** What came of a run, all queues together. */
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
 * Make the workers, and the memory of their requests: before the volume is opened, since the
 * backend maps what there is.
 * @param domain may be NULL when the options want no arena
 * @return 0: perf_team_destroy() is to be called; -errno: a message was written
 */
int perf_team_create(struct perf_team *team, const struct perf_options *opt,
	struct fido_domain *domain);
/**
 * Prepare the workers for the volume, whose queues there are. Options that do not fit it are refused.
 * @param opt what the volume has no use for is taken out
 * @return 0, -errno: a message was written
 */
int perf_team_open(struct perf_team *team, struct perf_options *opt, struct fido_blk *blk);
/**
 * Run until the end.
 * @param signals how many there were that ask to end; the second one does not want to wait
 * @param result zero-initialized
 * @return 0, -errno: the threads cannot be started; a message was written
 */
int perf_team_run(struct perf_team *team, const volatile sig_atomic_t *signals,
	struct perf_result *result);
/** Write the summary, as one line of JSON. */
void perf_result_print(FILE *out, const struct perf_options *opt, const struct perf_result *r);
/** Nothing runs. */
void perf_team_destroy(struct perf_team *team);

#endif
