/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PERF_LOAD_H
#define PERF_LOAD_H

/**
 * @file The job that measures: requests of random or sequential places, whose contents are nobody's
 * business.
 */

#include "worker.h"

extern const struct perf_job_ops perf_load_ops;

/** Prepare w->job. @return 0, -ENOMEM */
int perf_load_create(struct perf_worker *w);
void perf_load_destroy(struct perf_worker *w);

#endif
