/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_BLK_REPORT_H
#define FIDO_BLK_REPORT_H

/** @file The rate of messages: a failed volume causes bursts of errors. */

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

/**
 * Ask whether to log now: at most once a second. Any thread; does not block.
 * @param last the state, zero at first; one for each kind of message
 */
static inline bool
blk_may_report(uint64_t *last)
{
	struct timespec now;
	uint64_t before;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	before = __atomic_exchange_n(last, (uint64_t)now.tv_sec + 1, __ATOMIC_RELAXED);
	return before != (uint64_t)now.tv_sec + 1;
}

#endif
