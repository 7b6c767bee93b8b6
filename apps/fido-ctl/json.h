/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CTL_JSON_H
#define CTL_JSON_H

/**
 * @file
 * Output for programs: one JSON object each. doc/fido-ctl.md describes the keys; they never change
 * their meaning, and what is not known is null, never left out. Each returns 0 or -ENOMEM.
 */

#include <stdio.h>

#include "options.h"
#include "snapshot.h"

int ctl_json_list(FILE *out, const struct ctl_snapshot *s, const struct ctl_options *opt);
int ctl_json_links(FILE *out, const struct ctl_snapshot *s, const struct ctl_options *opt);
/** For stats and top. before: NULL for totals only. one_line: as the caller prints more of them. */
int ctl_json_queues(FILE *out, const struct ctl_snapshot *before, const struct ctl_snapshot *now,
	const struct ctl_options *opt, bool one_line);

#endif
