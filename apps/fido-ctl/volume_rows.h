/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CTL_VOLUME_ROWS_H
#define CTL_VOLUME_ROWS_H

/** @file What is listed of block volumes, a line each: volumes, clients' queues, with their rates. */

#include <stdbool.h>
#include <stddef.h>

#include "snapshot.h"

/** A volume, or a client's queue of it. Points into the snapshots that it was made of. */
struct ctl_volume_row {
	const struct ctl_domain *domain;
	const struct ctl_volume *volume;
	const struct ctl_client_queue *queue; /**< NULL: the volume */
	const uint64_t *counter;              /**< the queue's, or the volume's */
	bool rated;                           /**< per_second is known */
	double per_second[CTL_COUNTERS];      /**< in_flight does not run, and has none */
	double requests_per_second;
};

struct ctl_volume_rows {
	struct ctl_volume_row *row;
	size_t count;
};

/**
 * The volumes, or the clients' queues in the order of their volumes.
 * @param before NULL, or an earlier snapshot: then with rates, where it was there then
 * @param only NULL, or the domain that serves them
 * @return 0, -ENOMEM
 */
int ctl_volume_rows_of(struct ctl_volume_rows *out, const struct ctl_snapshot *before,
	const struct ctl_snapshot *now, const char *only, bool queues);
void ctl_volume_rows_free(struct ctl_volume_rows *rows);

#endif
