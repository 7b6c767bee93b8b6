/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CTL_TOP_H
#define CTL_TOP_H

/** @file The busiest queues, round after round; also the rounds of `stats` and `blk` with `--interval`. */

#include <fido/observer.h>

#include "options.h"

/**
 * Measure and show opt->count rounds, or until the user ends it.
 * @return 0, -EINTR: it was ended before all that was asked for was shown, -errno
 */
int ctl_top_run(const struct ctl_options *opt, struct fido_observer *observer);

#endif
