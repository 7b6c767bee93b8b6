/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CTL_VOLUME_JSON_H
#define CTL_VOLUME_JSON_H

/** @file Block volumes, for programs; as json.h. */

#include <stdio.h>

#include "options.h"
#include "snapshot.h"

/** before: NULL for totals only. one_line: as the caller prints more of them. @return 0, -ENOMEM */
int ctl_json_volumes(FILE *out, const struct ctl_snapshot *before, const struct ctl_snapshot *now,
	const struct ctl_options *opt, bool one_line);

#endif
