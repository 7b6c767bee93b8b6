/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CTL_JSON_H
#define CTL_JSON_H

/**
 * @file
 * Output for programs: each function prints one JSON object and returns 0 or -ENOMEM.
 * doc/fido-ctl.md describes the keys. A key never changes its meaning; an unknown value is null,
 * never omitted.
 */

#include <stdio.h>

#include "options.h"
#include "snapshot.h"

int ctl_json_list(FILE *out, const struct ctl_snapshot *s, const struct ctl_options *opt);
int ctl_json_links(FILE *out, const struct ctl_snapshot *s, const struct ctl_options *opt);
/**
 * Print queues, for stats and top.
 * @param before an earlier snapshot, for rates; NULL: totals only
 * @param one_line print the object on one line, as the caller prints several
 */
int ctl_json_queues(FILE *out, const struct ctl_snapshot *before, const struct ctl_snapshot *now,
	const struct ctl_options *opt, bool one_line);

#endif
