/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CTL_TEXT_H
#define CTL_TEXT_H

/** @file Output for people. Each returns 0 or -ENOMEM. */

#include <stdio.h>

#include "options.h"
#include "rows.h"
#include "snapshot.h"
#include "view.h"

int ctl_text_list(FILE *out, const struct ctl_snapshot *s, const struct ctl_options *opt);
int ctl_text_links(FILE *out, const struct ctl_snapshot *s, const struct ctl_options *opt);
/** before: NULL for totals, else rates since then. */
int ctl_text_stats(FILE *out, const struct ctl_snapshot *before, const struct ctl_snapshot *now,
	const struct ctl_options *opt);
/** Name the domains of which nothing could be listed, or nothing new. */
void ctl_text_silent(FILE *out, const struct ctl_snapshot *s);
/**
 * The busiest queues.
 * @param before NULL in the first round of all
 * @param rows how many queues there are
 */
int ctl_text_top(FILE *out, const struct ctl_snapshot *before, const struct ctl_snapshot *now,
	const struct ctl_options *opt, const struct ctl_view *view, size_t *rows);

#endif
