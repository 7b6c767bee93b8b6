/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PERF_STATE_H
#define PERF_STATE_H

/**
 * @file
 * What each block of the verified range may hold: the oracle. It is a file, mapped shared: what was
 * stored in it before this process was killed is still there, in the order in which it was stored
 * (not after the machine itself has gone down). The next run goes on from it.
 *
 * Each change of a block is a new version of it: 1, 2, ... A change goes through
 *
 *   submitted      before the request is handed over: from now on the block may hold it
 *   acknowledged   its completion was polled without an error: the block holds it, or a later one
 *   flushed        acknowledged before a flush was submitted that has completed, or written with
 *                  FUA: it outlives a loss of power
 *
 * No two requests of a run are in flight on the same block, so between runs at most what was
 * submitted after the last acknowledgement is in doubt: of each killed run one change.
 *
 *   I1  flushed <= acknowledged <= submitted, at every moment.
 *   I2  A whole block of version v is right when acknowledged <= v <= submitted; after a loss of
 *       power, when flushed <= v.
 *   I3  Zeros are right when the last change to zeros is not older than that bound. A discard may
 *       or may not make zeros, so it is a change to zeros that is never acknowledged.
 *   I4  While a block was never acknowledged, what was there before it is right too, whatever it
 *       is; but never a torn block.
 *   I5  A version that was read is as good as acknowledged: it must not go away again.
 *
 * Each block belongs to one queue's thread; `flushed` alone is raised by any.
 */

#include <stdbool.h>
#include <stdint.h>

#include "block.h"

/** One block's record in the file. */
struct perf_state_block {
	uint64_t submitted;
	uint64_t acknowledged;
	uint64_t flushed;
	uint64_t zeroed; /**< the last version that was a change to zeros */
};

/** What the file was made for; another use of it is refused. */
struct perf_state_config {
	uint64_t volume; /**< a number for its name */
	uint64_t identity; /**< of the volume's contents; one that has lost them has another */
	uint64_t volume_size; /**< bytes */
	uint64_t offset; /**< of the range, bytes */
	uint64_t length; /**< of the range, bytes: whole blocks */
	uint64_t block_size;
};

struct perf_state {
	struct perf_state_config config;
	struct perf_state_block *blocks;
	uint64_t count; /**< of blocks */
	uint64_t history; /**< another one for each file that is begun; blocks say whose they are */
	int fd;
	void *map;
	uint64_t map_size;
};

enum perf_state_verdict {
	PERF_STATE_RIGHT,
	PERF_STATE_LOST, /**< older than what must be there */
	PERF_STATE_FUTURE, /**< newer than all that was ever submitted */
	PERF_STATE_WRONG, /**< not whole, or not this block */
};

/**
 * Open the state file, or make it.
 *
 * @param path NULL: in memory only
 * @return
 *   - 0: to be closed with perf_state_close()
 *   - -EBUSY: another process uses it
 *   - -ESTALE: it was made for another volume, range, size of blocks, or contents
 *   - -EINVAL: it is no state file
 *   - -errno
 * A message has been written that says what to do.
 */
int perf_state_open(struct perf_state *state, const char *path,
	const struct perf_state_config *config);
/** Unmap it; the file stays. */
void perf_state_close(struct perf_state *state);

/**
 * A change of block i is about to be submitted.
 * @param zeros it is one to zeros
 * @return its version
 */
uint64_t perf_state_submit(struct perf_state *state, uint64_t i, bool zeros);
/** The change has been done. */
void perf_state_acknowledge(struct perf_state *state, uint64_t i, uint64_t version);
/** The version is durable. Any thread. */
void perf_state_flush(struct perf_state *state, uint64_t i, uint64_t version);
/**
 * A flush is about to be submitted: remember what it covers, which is what is acknowledged on all
 * queues. Any thread.
 * @return the versions of all blocks; NULL: there is no memory, and nothing counts as covered
 */
uint64_t *perf_state_flush_begin(const struct perf_state *state);
/** The flush is done. Any thread. @param covered is freed @param done it has completed well */
void perf_state_flush_end(struct perf_state *state, uint64_t *covered, bool done);
/** @return true when the block was ever submitted. */
bool perf_state_is_written(const struct perf_state *state, uint64_t i);

/**
 * Judge what was read of block i, and remember the version (I5).
 * @param power_lost only what was flushed must be there
 */
enum perf_state_verdict perf_state_judge(struct perf_state *state, uint64_t i,
	enum perf_block_kind kind, uint64_t version, bool power_lost);

#endif
