/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PERF_TEAM_H
#define PERF_TEAM_H

/** @file The workers of a run: made, started, watched until all have ended. */

#include <fido/blk.h>

#include "result.h"
#include "verify.h"
#include "volume.h"

struct perf_team {
	const struct perf_options *opt;
	struct fido_blk *blk;
	struct perf_run run;
	struct perf_verify verify;
	bool verifies; /**< verify is open */
	struct perf_worker *workers;
	unsigned int count;
};

/**
 * Make the workers and their memory; none runs yet. Before the volume is opened: the backend then
 * has mapped the memory by the time it is used.
 * @param domain may be NULL when memory is not to be in an arena
 * @return 0, -errno: a message was written
 */
int perf_team_create(struct perf_team *team, const struct perf_options *opt,
	struct fido_domain *domain);
/**
 * The volume is open: give each worker its queue and its part of the range.
 * @return 0, -errno: a message was written
 */
int perf_team_open(struct perf_team *team, struct fido_blk *blk,
	const struct perf_volume_range *range);
/**
 * No worker runs, and the volume has been closed: what was in flight may name the workers' memory.
 */
void perf_team_destroy(struct perf_team *team);
/**
 * Start the workers, and wait until all have ended: by themselves, by --time, by an error, or by a
 * signal.
 * @param signals a signalfd; -1: none
 * @return 0, -errno: a thread could not be started
 */
int perf_team_run(struct perf_team *team, int signals, struct perf_result *result);

#endif
