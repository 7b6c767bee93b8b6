/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PERF_RESULT_H
#define PERF_RESULT_H

/** @file What came of a run, all queues together. */

#include <stdbool.h>
#include <stdio.h>

#include "check.h"
#include "worker.h"

/** At one moment. */
struct perf_totals {
	uint64_t time_ns;
	uint64_t requests[8];
	uint64_t bytes[8];
	uint64_t errors;
	uint64_t inflight;
	double cpu_s; /**< of the process */
};

/** At the end. */
struct perf_result {
	struct perf_totals total; /**< since the start */
	double seconds;
	struct perf_histogram latency[8];
	struct fido_blk_stats stats;
	struct perf_check_counts checks;
	uint64_t failures;
	uint64_t unanswered;
	struct fido_blk_info info;
};

/** @return what there is now. Any thread. */
struct perf_totals perf_result_now(const struct perf_worker *workers, unsigned int n);
/** Add up what the workers, which have ended, have come to. */
void perf_result_collect(struct perf_result *r, const struct perf_options *opt,
	const struct perf_worker *workers, unsigned int n, const struct perf_totals *start);
/** One line of what has happened between two moments. @param connected the backend is there */
void perf_result_print_line(FILE *out, const struct perf_totals *start,
	const struct perf_totals *before, const struct perf_totals *now, bool connected);
/** The summary, for people. */
void perf_result_print(FILE *out, const struct perf_options *opt, const struct perf_result *r);
/** The summary, as one line of JSON. @return 0, -ENOMEM */
int perf_result_print_json(FILE *out, const struct perf_options *opt, const struct perf_result *r);

#endif
