/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PERF_CHECK_H
#define PERF_CHECK_H

/** @file Looking at what was read, and telling of what is wrong with it. */

#include <stdbool.h>
#include <stdint.h>

#include "worker.h"

/** What was looked at; one thread's. */
struct perf_check_counts {
	uint64_t blocks; /**< read and judged */
	uint64_t again; /**< lent blocks that were looked at a second time */
	uint64_t overwritten; /**< of these, such that had been written in the meantime */
	uint64_t wrong; /**< blocks */
};

/**
 * Judge what was read.
 * @param keep remember it for perf_check_again()
 * @return false: a part was wrong
 */
bool perf_check_read(struct perf_worker *w, struct perf_slot *slot, bool keep);
/** What was lent must still be what it was. */
void perf_check_again(struct perf_worker *w, struct perf_slot *slot);

#endif
