/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PERF_LENDS_H
#define PERF_LENDS_H

/** @file Reads whose lent memory is kept for a while, oldest first. One thread. */

#include <stdint.h>

#include "slots.h"

/** Zero-initialize. */
struct perf_lends {
	struct perf_slot *first;
	struct perf_slot *last;
	uint32_t count;
};

/** Keep the slot. */
void perf_lends_keep(struct perf_lends *lends, struct perf_slot *slot);
/** @return the oldest in this state, still kept; NULL: there is none. */
struct perf_slot *perf_lends_find(const struct perf_lends *lends, enum perf_lend state);
/** Keep this one no longer. */
void perf_lends_remove(struct perf_lends *lends, struct perf_slot *slot);
/**
 * Take one that no write is wanted for or under way: the oldest after the first `skip` ones.
 * @return NULL: there is none
 */
struct perf_slot *perf_lends_take(struct perf_lends *lends, uint32_t skip);

#endif
