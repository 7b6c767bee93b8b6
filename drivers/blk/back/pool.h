/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_BLK_BACK_POOL_H
#define FIDO_BLK_BACK_POOL_H

/**
 * @file
 * What the queues of one worker share: memory, and channels to the stores. Its thread alone.
 */

#include "buffers.h"
#include "store.h"

struct back_pieces;
struct back_queue;

struct back_channel {
	struct back_channel *next;
	struct blk_channel *channel;
};

struct back_pool {
	struct blk_buffers *buffers; /**< to read into, then lent */
	struct back_pieces *pieces;  /**< free ones */
	struct back_channel *channels;
	struct back_queue *dirty; /**< queues that have something to answer */
};

/** @return the worker's channel to a store, or NULL with a message. Its thread. */
struct blk_channel *back_pool_channel(struct back_pool *p, struct blk_store *store);
/** Free all of it. No queue uses it any more. */
void back_pool_free(struct back_pool *p);

#endif
