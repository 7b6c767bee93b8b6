/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CTL_CSV_H
#define CTL_CSV_H

/** @file Queues as CSV: a line for each queue and moment. */

#include <stdio.h>

#include "options.h"
#include "snapshot.h"

/** The first line: names of the columns. */
void ctl_csv_head(FILE *out);
/** A line for each queue that was there in both. @return 0, -ENOMEM */
int ctl_csv_queues(FILE *out, const struct ctl_snapshot *before, const struct ctl_snapshot *now,
	const struct ctl_options *opt);

#endif
