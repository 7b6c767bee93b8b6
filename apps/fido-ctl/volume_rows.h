/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CTL_VOLUME_ROWS_H
#define CTL_VOLUME_ROWS_H

/** @file Rows of output: block volumes and the queues of their clients, with their rates. */

#include <stdbool.h>
#include <stddef.h>

#include "snapshot.h"

/** A volume, or a client's queue of it. Points into the snapshots it was made from. */
struct ctl_volume_row {
	const struct ctl_domain *domain;
	const struct ctl_volume *volume;
	const struct ctl_client_queue *queue; /**< NULL: the volume */
	const uint64_t *counter;              /**< of the queue, or of the volume */
	bool rated;                           /**< per_second is known */
	double per_second[CTL_COUNTERS];      /**< in_flight is a level and has no rate */
	double requests_per_second;
};

struct ctl_volume_rows {
	struct ctl_volume_row *row;
	size_t count;
};

/**
 * List the volumes; or with queues, the queues of their clients, by volume.
 * @param before an earlier snapshot, for rates of what is in both; NULL: no rates
 * @param only list only volumes that this domain serves; NULL: all
 * @return 0, -ENOMEM
 */
int ctl_volume_rows_of(struct ctl_volume_rows *out, const struct ctl_snapshot *before,
	const struct ctl_snapshot *now, const char *only, bool queues);
void ctl_volume_rows_free(struct ctl_volume_rows *rows);

#endif
