/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CTL_VOLUME_TEXT_H
#define CTL_VOLUME_TEXT_H

/** @file Text output of block volumes. */

#include <stdio.h>

#include "options.h"
#include "snapshot.h"

/**
 * Print volumes and the queues of their clients.
 * @param before an earlier snapshot, for rates; NULL: totals
 * @return 0, -ENOMEM
 */
int ctl_text_volumes(FILE *out, const struct ctl_snapshot *before, const struct ctl_snapshot *now,
	const struct ctl_options *opt);

#endif
