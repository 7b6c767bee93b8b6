/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CTL_VOLUME_JSON_H
#define CTL_VOLUME_JSON_H

/** @file JSON output of block volumes. See json.h. */

#include <stdio.h>

#include "options.h"
#include "snapshot.h"

/**
 * Print volumes and the queues of their clients.
 * @param before an earlier snapshot, for rates; NULL: totals only
 * @param one_line print the object on one line, as the caller prints several
 * @return 0, -ENOMEM
 */
int ctl_json_volumes(FILE *out, const struct ctl_snapshot *before, const struct ctl_snapshot *now,
	const struct ctl_options *opt, bool one_line);

#endif
