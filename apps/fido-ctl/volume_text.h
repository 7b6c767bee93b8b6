/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CTL_VOLUME_TEXT_H
#define CTL_VOLUME_TEXT_H

/** @file Block volumes, for people. */

#include <stdio.h>

#include "options.h"
#include "snapshot.h"

/** before: NULL for totals, else rates since then. @return 0, -ENOMEM */
int ctl_text_volumes(FILE *out, const struct ctl_snapshot *before, const struct ctl_snapshot *now,
	const struct ctl_options *opt);

#endif
