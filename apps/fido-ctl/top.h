/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CTL_TOP_H
#define CTL_TOP_H

/** @file Repeated measurements: top, record, and stats and blk with `--interval`. */

#include <fido/observer.h>

#include "options.h"

/**
 * Measure and show opt->count rounds; 0: until a signal or the key q.
 * @return 0, -EINTR: interrupted before all rounds were shown, -errno
 */
int ctl_top_run(const struct ctl_options *opt, struct fido_observer *observer);

#endif
