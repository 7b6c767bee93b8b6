/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FAKE_BLK_H
#define FAKE_BLK_H

/**
 * @file
 * A fake front-end for the tests: the functions of fido/blk.h on memory of this process, with
 * injected faults that the checker must find. Link it in place of libfido-blk. It has no
 * fido_blk_open() and no fido_blk_close().
 */

#include <stdbool.h>
#include <stdint.h>

#include <fido/blk.h>

enum fake_fault {
	FAKE_NONE,
	FAKE_WRITE_LOST,      /* acknowledged, but not done */
	FAKE_WRITE_TORN,      /* only the first 2048 bytes are written */
	FAKE_WRITE_MISPLACED, /* done 4096 bytes away */
	FAKE_ZEROES_LOST,
	FAKE_READ_FLIPPED,   /* one bit is flipped */
	FAKE_READ_MISPLACED, /* done 4096 bytes away */
	FAKE_LEND_SHORT,     /* the last byte is missing */
	FAKE_LEND_NOTHING,   /* completes without an error, but lends nothing */
	FAKE_ERROR,          /* -EIO */
	FAKE_STAYS,          /* the faults from here on hit each request, not one in EVERY */
	FAKE_LEND_LIVE = FAKE_STAYS, /* a write changes lent memory */
	FAKE_STALE,                  /* -ESTALE */
	FAKE_NO_ANSWER,              /* never completes */
	FAKE_FLUSH_NOTHING,          /* acknowledged, but not done */
};

struct fake_config {
	uint64_t size;
	uint32_t block_size; /* 0: 512 */
	uint32_t features;   /* 0: all */
	uint16_t queues;     /* 0: 1 */
	uint32_t depth;      /* 0: the maximum */
	enum fake_fault fault;
	unsigned int after; /* requests before the first fault */
	int file;           /* memfd: the contents, then the durable copy; 0: none */
};

/* The requests that a queue got. */
struct fake_seen {
	uint64_t ops[8];
	uint64_t fua;
	uint64_t min_offset, max_end;
	uint64_t max_length;
	unsigned int most_inflight;
	uint64_t faults; /* injected */
};

struct fido_blk *fake_blk_create(const struct fake_config *config);
/* Free it, with all memory that is still lent. */
void fake_blk_destroy(struct fido_blk *blk);
/* Lose all that was not flushed. */
void fake_blk_lose_power(struct fido_blk *blk);
const struct fake_seen *fake_blk_seen(struct fido_blk *blk, uint16_t queue);
/* @return lends that were not released yet */
unsigned int fake_blk_lends(struct fido_blk *blk);

#endif
