/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PERF_VERIFY_H
#define PERF_VERIFY_H

/**
 * @file
 * The job that checks: writes blocks that say what they are (block.h), and judges all that is read
 * by what may be there (state.h).
 *
 *   FIRST  each block of the stripe once: one that was ever written is read, another one is written
 *   GO     requests as the options say, at random places, no two in flight on one block
 *   LAST   each block once more (not after a signal or an error)
 *
 * Part of what is lent is kept for a while, part of that until its blocks have been written: when
 * it is given back, it must be what it was.
 */

#include "check.h"
#include "claims.h"
#include "dirty.h"
#include "lends.h"
#include "place.h"
#include "state.h"
#include "worker.h"

/** Of all queues. */
struct perf_verify {
	struct perf_state state;
	struct perf_dirty dirty;
	uint64_t volume; /**< what blocks say: the volume, and the state file's history */
	uint64_t range_offset; /**< of block 0, bytes */
	uint32_t block_size;
	bool can_flush; /**< if not, what is acknowledged counts as flushed */
	bool can_fua;
};

enum perf_verify_stage {
	PERF_VERIFY_FIRST,
	PERF_VERIFY_GO,
	PERF_VERIFY_LAST
};

/** Of a queue. */
struct perf_verify_queue {
	struct perf_verify *verify;
	enum perf_verify_stage stage;
	struct perf_place place;
	struct perf_claims claims; /**< block 0 is the stripe's first */
	struct perf_lends lends;
	uint64_t first_block; /**< of the stripe, in the range */
	uint64_t block_count;
	uint64_t cursor; /**< FIRST, LAST: the next block, in the stripe */
	void *scratch; /**< a block */
	struct perf_check_counts counts;
};

extern const struct perf_job_ops perf_verify_ops;

/**
 * Open what all queues share, the state file foremost.
 * @param offset, length the range @return 0, -errno: a message was written
 */
int perf_verify_open(struct perf_verify *v, const struct perf_options *opt,
	const struct fido_blk_info *info, uint64_t offset, uint64_t length);
void perf_verify_close(struct perf_verify *v);
/** Prepare w->job; the worker's stripe is set. @return 0, -ENOMEM */
int perf_verify_create(struct perf_worker *w, struct perf_verify *v);
void perf_verify_destroy(struct perf_worker *w);

#endif
