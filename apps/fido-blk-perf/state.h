/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PERF_STATE_H
#define PERF_STATE_H

/**
 * @file
 * The oracle: what each block of the verified range may hold. It is a file that is mapped shared:
 * stores survive a kill of this process, in the order in which they were made, but not a crash of
 * the machine. The next run continues from the file.
 *
 * Each change of a block makes a new version of it: 1, 2, ... A version becomes
 *
 *   submitted      before its request is submitted: from now on the block may hold it
 *   acknowledged   when its completion is polled without an error: the block holds it, or a later
 *                  version
 *   flushed        when a flush completes that was submitted after the acknowledgement, or at once
 *                  with FUA: it survives a power loss
 *
 * A run never has two requests in flight on one block. So after a killed run, at most one change of
 * each block is in doubt: the one submitted after the last acknowledgement.
 *
 *   I1  flushed <= acknowledged <= submitted, at every moment.
 *   I2  An intact block of version v is right if acknowledged <= v <= submitted; after a power
 *       loss, if flushed <= v <= submitted.
 *   I3  Zeros are right if the last change to zeros is not older than that lower bound. A discard
 *       may or may not make zeros, so it is a change to zeros that is never acknowledged.
 *   I4  Until a block has an acknowledged version, its earlier contents are right too, whatever
 *       they are. A torn block is never right.
 *   I5  A version that was read counts as acknowledged: it must not disappear again.
 *
 * One queue's thread owns each block and writes its record; any thread may raise `flushed`.
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

/** What the file belongs to. Opening it for anything else is refused. */
struct perf_state_config {
	uint64_t volume;      /**< checksum of its name */
	uint64_t identity;    /**< fido_blk_info.identity: changes if the contents are lost */
	uint64_t volume_size; /**< in bytes */
	uint64_t offset;      /**< of the range, in bytes */
	uint64_t length;      /**< of the range, in bytes; whole blocks */
	uint64_t block_size;
};

struct perf_state {
	struct perf_state_config config;
	struct perf_state_block *blocks;
	uint64_t count;   /**< of blocks */
	uint64_t history; /**< random number of the file; part of each block's `volume` */
	int fd;
	void *map;
	uint64_t map_size;
};

enum perf_state_verdict {
	PERF_STATE_RIGHT,
	PERF_STATE_LOST,   /**< older than what must be there */
	PERF_STATE_FUTURE, /**< newer than all submitted versions */
	PERF_STATE_WRONG,  /**< not intact, or not this block */
};

/**
 * Open the state file, or create it.
 *
 * @param path NULL: in memory only
 * @return
 *   - 0: the state is open
 *   - -EBUSY: another process uses the file
 *   - -ESTALE: the file belongs to another volume, range, block size, or contents
 *   - -EINVAL: the file is no state file
 *   - -errno
 * After an error, a message that says what to do was written.
 * @see perf_state_close()
 */
int perf_state_open(struct perf_state *state, const char *path,
	const struct perf_state_config *config);
/** Unmap and close the file; keep it. */
void perf_state_close(struct perf_state *state);

/**
 * Record a change of block i. Call this before the request is submitted.
 * @param zeros true for a change to zeros
 * @return the new version
 */
uint64_t perf_state_submit(struct perf_state *state, uint64_t i, bool zeros);
/** Record that the change completed without an error. */
void perf_state_acknowledge(struct perf_state *state, uint64_t i, uint64_t version);
/** Record that the version is durable. Any thread. */
void perf_state_flush(struct perf_state *state, uint64_t i, uint64_t version);
/**
 * Copy the acknowledged versions of all queues, which a flush covers. Call this before the flush is
 * submitted. Any thread.
 * @return the versions of all blocks; NULL: out of memory, the flush counts as covering nothing
 */
uint64_t *perf_state_flush_begin(const struct perf_state *state);
/** End a flush. Any thread. @param covered freed here @param done it completed without an error */
void perf_state_flush_end(struct perf_state *state, uint64_t *covered, bool done);
/** @return true if a change of the block was ever submitted. */
bool perf_state_is_written(const struct perf_state *state, uint64_t i);

/**
 * Judge what was read from block i, and record its version as acknowledged (I5).
 * @param power_lost require only flushed versions
 */
enum perf_state_verdict perf_state_judge(struct perf_state *state, uint64_t i,
	enum perf_block_kind kind, uint64_t version, bool power_lost);

#endif
