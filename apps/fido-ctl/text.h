/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CTL_TEXT_H
#define CTL_TEXT_H

/** @file Output for people. Functions with a result return 0 or -ENOMEM. */

#include <stdio.h>

#include "options.h"
#include "rows.h"
#include "snapshot.h"
#include "view.h"

int ctl_text_list(FILE *out, const struct ctl_snapshot *s, const struct ctl_options *opt);
int ctl_text_links(FILE *out, const struct ctl_snapshot *s, const struct ctl_options *opt);
/** @param before an earlier snapshot, for rates; NULL: totals */
int ctl_text_stats(FILE *out, const struct ctl_snapshot *before, const struct ctl_snapshot *now,
	const struct ctl_options *opt);
/** Print the domains that are not alive: their data is missing or stale. */
void ctl_text_silent(FILE *out, const struct ctl_snapshot *s);
/**
 * Print the busiest queues.
 * @param before the earlier snapshot; NULL: none yet, so no rates
 * @param rows set to the number of queues
 */
int ctl_text_top(FILE *out, const struct ctl_snapshot *before, const struct ctl_snapshot *now,
	const struct ctl_options *opt, const struct ctl_view *view, size_t *rows);

#endif
