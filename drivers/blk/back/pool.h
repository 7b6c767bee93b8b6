/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_BLK_BACK_POOL_H
#define FIDO_BLK_BACK_POOL_H

/** @file Memory and channels that the queues of one worker share. Worker's thread only. */

#include "buffers.h"
#include "store.h"

struct back_pieces;
struct back_queue;

struct back_channel {
	struct back_channel *next;
	struct blk_channel *channel;
};

struct back_pool {
	struct blk_buffers *buffers; /**< reads go here and are lent from here */
	struct back_pieces *pieces;  /**< free for later requests */
	struct back_channel *channels;
	struct back_queue *dirty; /**< queues with finished requests */
};

/** Get the channel to a store; open it on first use. @return NULL with a message: it failed */
struct blk_channel *back_pool_channel(struct back_pool *p, struct blk_store *store);
/** Close all channels and free the memory. No queue uses the pool any more. */
void back_pool_free(struct back_pool *p);

#endif
