/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_BLK_COPIES_H
#define FIDO_BLK_COPIES_H

/**
 * @file
 * Copies of what is written, for a channel whose medium cannot have it from where it is. They are in the worker's buffers. Readers
 * may keep those for as long as they like; so there is memory for one copy beside them, and copies always go on.
 */

#include "buffers.h"
#include "store.h"

struct blk_copies {
	struct blk_buffers *buffers;
	char *spare; /* BLK_BUFFER_MAX bytes; NULL until they were needed */
	bool spare_used;
};

/** @return a copy of what io writes, counted; NULL: there is no memory until a copy, or a buffer, is free again */
void *blk_copies_make(struct blk_copies *copies, struct blk_store *store, const struct blk_io *io);
void blk_copies_free(struct blk_copies *copies, void *copy);
/** None is in use any more. */
void blk_copies_end(struct blk_copies *copies);

#endif
