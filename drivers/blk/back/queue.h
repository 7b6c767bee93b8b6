/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_BLK_BACK_QUEUE_H
#define FIDO_BLK_BACK_QUEUE_H

/**
 * @file
 * A queue of a client: polls commands, passes them to the store, answers them. Only the worker's
 * thread uses it, except for create and destroy.
 *
 * The client can go away and come back with a new session (protocol.h) at any time:
 *
 * | state           | meaning                                                                  |
 * |-----------------|--------------------------------------------------------------------------|
 * | volume == NULL  | commands are answered with NOT_OPEN                                      |
 * | volume != NULL  | open: channel is set; the queue counts as one of its client's openers    |
 * | opening != NULL | an OPEN waits for earlier requests, or for memory lent of another volume |
 */

#include <fido/blk_shm.h>
#include <fido/rxq.h>
#include <fido/txq.h>

#include "request.h"

/** Messages polled from one queue at a time. */
#define BACK_BURST 32u

struct back_client;
struct back_pool;
struct back_worker;

struct back_queue {
	struct back_queue *next; /**< in the worker's list or inbox */
	struct back_client *client;
	uint16_t index;
	struct fido_txq *txq;
	struct fido_rxq *rxq;
	struct back_worker *worker;
	struct back_pool *pool;     /**< the worker's */
	struct back_volume *volume; /**< open, or NULL */
	struct blk_channel *channel;
	struct blk_channel *lent_channel; /**< to the store of lent memory; outlives channel */
	struct back_volume *lent_volume;
	uint32_t downs;   /**< client->downs when it was opened */
	uint64_t session; /**< blk_open_shm.session when it was opened */
	/** The ring that OPEN came by: commands from any other get NOT_OPEN. */
	uint64_t rx_queue_id;
	uint64_t tx_queue_id; /**< the ring for answers */
	struct back_request *opening;
	struct back_request *requests; /**< allocated, request_count of them */
	uint32_t request_count;
	struct back_requests free;
	uint32_t in_flight; /**< in the store or waiting for memory */
	size_t buffered;    /**< bytes of the pool's buffers in use: being read into, or lent */
	struct back_requests done;    /**< to be answered */
	struct back_requests starved; /**< waiting for memory to read into */
	bool dirty;                   /**< in pool->dirty */
	struct back_queue *next_dirty;
	uint32_t left; /**< 1: the worker has released the queue */
	struct fido_blk_queue_shm *shm;
	struct fido_blk_counters_shm counters; /**< used when there is no free place in shm */
	struct fido_blk_counters_shm *count;
};

/* ---- queue.c ---- */

/** @return 0, -ENOMEM. @see back_queue_destroy */
int back_queue_create(struct back_client *client, uint16_t index, uint32_t requests,
	struct back_queue **out);
void back_queue_destroy(struct back_queue *q);
/** Poll commands and start them. @return number of commands */
unsigned int back_queue_poll(struct back_queue *q);
/** Retry requests that wait for memory. */
void back_queue_retry(struct back_queue *q);
/** @return true when no request is in progress or waits for its answer */
bool back_queue_idle(const struct back_queue *q);

/* ---- answer.c ---- */

/** Take back lent memory that was returned. @return number of pieces */
unsigned int back_queue_reap(struct back_queue *q);
/** Answer finished requests. */
void back_queue_answer(struct back_queue *q);

#endif
