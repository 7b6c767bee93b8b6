/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PERF_DIRTY_H
#define PERF_DIRTY_H

/**
 * @file
 * The blocks whose acknowledged versions no flush covers yet: one bit each, of all queues together,
 * since a flush on any queue covers what was acknowledged on all of them. A flush takes what is
 * there when it is submitted; when it has completed, that is flushed.
 *
 * The owner of a block acknowledges first and then sets its bit; who takes the bit reads the
 * version after that: what it reads was acknowledged before its flush is submitted.
 */

#include <stddef.h>
#include <stdint.h>

#include "state.h"

struct perf_dirty {
	struct perf_state *state;
	uint64_t *bits;
	size_t words;
};

/** What one flush covers. */
struct perf_dirty_set {
	struct perf_dirty_entry {
		uint64_t block;
		uint64_t version;
	} * entries;
	size_t count;
	size_t room;
};

/** @return 0, -ENOMEM */
int perf_dirty_create(struct perf_dirty *dirty, struct perf_state *state);
void perf_dirty_destroy(struct perf_dirty *dirty);
/** Block i has been acknowledged. Any thread. */
void perf_dirty_mark(struct perf_dirty *dirty, uint64_t i);
/**
 * Take all that is dirty: a flush is about to be submitted. Any thread.
 * @return 0, -ENOMEM: nothing was taken
 */
int perf_dirty_take(struct perf_dirty *dirty, struct perf_dirty_set *set);
/** The flush has completed. */
void perf_dirty_flushed(struct perf_dirty *dirty, struct perf_dirty_set *set);
/** The flush has failed: all is as dirty as before. */
void perf_dirty_put_back(struct perf_dirty *dirty, struct perf_dirty_set *set);
/** Free the set's memory. */
void perf_dirty_set_free(struct perf_dirty_set *set);

#endif
