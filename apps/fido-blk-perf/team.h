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
	struct perf_worker *workers;
	unsigned int count;
};

/**
 * Make the workers for an open volume; none runs yet.
 * @param domain for their memory; may be NULL when that is not to be in an arena
 * @return 0, -errno: a message was written
 */
int perf_team_create(struct perf_team *team, const struct perf_options *opt, struct fido_domain *domain, struct fido_blk *blk,
		const struct perf_volume_range *range);
/** No worker runs. The volume's queues must not be used any more: what they were lent may be given back by closing it. */
void perf_team_destroy(struct perf_team *team);
/**
 * Start the workers, and wait until all have ended: by themselves, by --time, by an error, or by a signal.
 * @param signals a signalfd; -1: none
 * @return 0, -errno: a thread could not be started
 */
int perf_team_run(struct perf_team *team, int signals, struct perf_result *result);

#endif
