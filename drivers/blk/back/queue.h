/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_BLK_BACK_QUEUE_H
#define FIDO_BLK_BACK_QUEUE_H

/**
 * @file
 * A queue of a client: polls commands, hands them to the store, answers them. Its worker's thread alone, but for create and destroy.
 *
 * Its client may be there, gone, or be another one than before (sessions, protocol.h):
 *
 * | state    | meaning                                                                                |
 * |----------|----------------------------------------------------------------------------------------|
 * | volume NULL | commands are answered with NOT_OPEN                                                |
 * | open     | volume and channel are set; it counts as one of the volume's openers                     |
 * | opening != NULL | an OPEN waits until what was begun before is done, or lent to another volume is back |
 */

#include <fido/blk_shm.h>
#include <fido/rxq.h>
#include <fido/txq.h>

#include "request.h"

/** Messages of one queue that are polled at a time. */
#define BACK_BURST 32u

struct back_client;
struct back_pool;
struct back_worker;

struct back_queue {
	struct back_queue *next; /**< in the worker's list, or its inbox */
	struct back_client *client;
	uint16_t index;
	struct fido_txq *txq;
	struct fido_rxq *rxq;
	struct back_worker *worker;
	struct back_pool *pool;     /**< the worker's */
	struct back_volume *volume; /**< open, or NULL */
	struct blk_channel *channel;
	struct blk_channel *
		lent_channel; /**< of the store whose memory is lent; stays when the volume is closed */
	struct back_volume *lent_volume;
	uint32_t downs;      /**< client->downs when it was opened */
	uint64_t session;    /**< blk_open_shm.session when it was opened */
	uint64_t rx_session; /**< queue_id of the ring that OPEN came by: only its commands count */
	uint64_t tx_session; /**< queue_id of the ring that answers go by */
	struct back_request *opening;
	struct back_request *requests; /**< as many as the client's ring has places */
	uint32_t request_count;
	struct back_requests free;
	uint32_t in_flight; /**< with the store, or waiting for memory */
	size_t buffered; /**< bytes of the worker's buffers that it has: being read into, or lent */
	struct back_requests done;    /**< to be answered */
	struct back_requests starved; /**< wait for memory to read into */
	bool dirty;                   /**< in pool->dirty */
	struct back_queue *next_dirty;
	uint32_t left; /**< 1: the worker has let go of it */
	struct fido_blk_queue_shm *shm;
	struct fido_blk_counters_shm counters; /**< where there is no place in shm */
	struct fido_blk_counters_shm *count;
};

/* ---- queue.c ---- */

/** @return 0, -ENOMEM. @see back_queue_destroy */
int back_queue_create(struct back_client *client, uint16_t index, uint32_t requests,
	struct back_queue **out);
void back_queue_destroy(struct back_queue *q);
/** Poll commands, begin them. @return number */
unsigned int back_queue_poll(struct back_queue *q);
/** Try again what has waited for memory. */
void back_queue_retry(struct back_queue *q);
/** @return true when nothing is being worked on, and nothing waits to be answered. */
bool back_queue_idle(const struct back_queue *q);

/* ---- answer.c ---- */

/** Take back what was lent. @return number of pieces */
unsigned int back_queue_reap(struct back_queue *q);
/** Answer what is done. */
void back_queue_answer(struct back_queue *q);

#endif
