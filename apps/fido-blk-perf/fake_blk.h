/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FAKE_BLK_H
#define FAKE_BLK_H

/**
 * @file
 * For the tests: the front-end's functions (fido/blk.h) over memory of this process, with faults
 * that a checker must find. It links in place of libfido-blk; fido_blk_open() and _close() are not
 * in it.
 */

#include <stdbool.h>
#include <stdint.h>

#include <fido/blk.h>

enum fake_fault {
	FAKE_NONE,
	FAKE_WRITE_LOST, /* acknowledged, not done */
	FAKE_WRITE_TORN, /* the second half of its first block is missing */
	FAKE_WRITE_MISPLACED, /* done a block further on */
	FAKE_ZEROES_LOST,
	FAKE_READ_FLIPPED, /* one bit */
	FAKE_READ_MISPLACED, /* of a block further on */
	FAKE_LEND_SHORT, /* a byte is missing */
	FAKE_LEND_NOTHING, /* completes well, without memory */
	FAKE_ERROR, /* -EIO */
	FAKE_STAYS, /* these are done each time, from then on */
	FAKE_LEND_LIVE = FAKE_STAYS, /* what is lent changes when it is written */
	FAKE_STALE, /* -ESTALE */
	FAKE_NO_ANSWER,
	FAKE_FLUSH_NOTHING, /* acknowledged, not done */
};

struct fake_config {
	uint64_t size;
	uint32_t block_size; /* 0: 512 */
	uint32_t features; /* 0: all */
	uint16_t queues; /* 0: 1 */
	uint32_t depth; /* 0: as many as there may be */
	enum fake_fault fault;
	unsigned int after; /* so many are let through first; then one of EVERY has it */
	int file; /* memfd: contents, and behind them what is durable; 0: none */
};

/* What was asked for. */
struct fake_seen {
	uint64_t ops[8];
	uint64_t fua;
	uint64_t min_offset, max_end;
	uint64_t max_length;
	unsigned int most_inflight;
	uint64_t faults; /* how often the fault was done */
};

struct fido_blk *fake_blk_create(const struct fake_config *config);
/* Gives back what was lent, too. */
void fake_blk_destroy(struct fido_blk *blk);
/* All that was not flushed is gone. */
void fake_blk_lose_power(struct fido_blk *blk);
/* Of a queue. */
const struct fake_seen *fake_blk_seen(struct fido_blk *blk, uint16_t queue);
/* @return lends that have not been given back */
unsigned int fake_blk_lends(struct fido_blk *blk);

#endif
