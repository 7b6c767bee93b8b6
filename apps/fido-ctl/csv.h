/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CTL_CSV_H
#define CTL_CSV_H

/** @file Queues as CSV: one line per queue and interval. */

#include <stdio.h>

#include "options.h"
#include "snapshot.h"

/** Print the first line: the column names. */
void ctl_csv_head(FILE *out);
/** Print a line for each queue that is in both snapshots. @return 0, -ENOMEM */
int ctl_csv_queues(FILE *out, const struct ctl_snapshot *before, const struct ctl_snapshot *now,
	const struct ctl_options *opt);

#endif
