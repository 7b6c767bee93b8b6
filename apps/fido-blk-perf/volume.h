/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PERF_VOLUME_H
#define PERF_VOLUME_H

/** @file Whether the volume can do what the options ask for, and how its range is shared out. */

#include <stdint.h>

#include <fido/blk.h>

#include "options.h"

struct perf_volume_range {
	uint64_t offset;
	uint64_t length;
};

/**
 * See whether volume and options fit, and find the range. Turns flushes off that only --verify asks
 * for, where there are none.
 * @return 0, -EINVAL: a message was written
 */
int perf_volume_settle(struct perf_options *opt, const struct fido_blk_info *info,
	struct perf_volume_range *range);
/**
 * @return the part of the range that belongs to a queue: multiples of --bs, the last one's end is
 * the range's.
 */
struct perf_volume_range perf_volume_stripe(const struct perf_options *opt,
	const struct perf_volume_range *range, uint16_t queue);

#endif
