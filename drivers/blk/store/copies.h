/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_BLK_COPIES_H
#define FIDO_BLK_COPIES_H

/**
 * @file
 * Copies of written data, for a medium that cannot access the front-end's memory. They use the
 * worker's buffers. Readers may keep those for any time, so there is spare memory for one copy:
 * writes always make progress.
 */

#include "buffers.h"
#include "store.h"

struct blk_copies {
	struct blk_buffers *buffers;
	char *spare; /* BLK_BUFFER_MAX bytes, allocated on first use */
	bool spare_used;
};

/**
 * Copy the data of a write; count it in store->copied. @see blk_copies_free
 * @return NULL: no memory until another copy or a buffer is freed
 */
void *blk_copies_make(struct blk_copies *copies, struct blk_store *store, const struct blk_io *io);
void blk_copies_free(struct blk_copies *copies, void *copy);
/** Free the spare memory. No copy is in use any more. */
void blk_copies_end(struct blk_copies *copies);

#endif
