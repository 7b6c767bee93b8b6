/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_BLK_BACK_REQUEST_H
#define FIDO_BLK_BACK_REQUEST_H

/**
 * @file
 * A command of a front-end while the backend works on it, and the memory that it needs. Its queue's worker's thread alone.
 */

#include <sys/queue.h>

#include <fido/blk.h>
#include <fido/receiver.h>

#include "protocol.h"
#include "store.h"

/** Pieces and tickets that a request names without further memory. */
#define BACK_FEW 4

struct back_queue;
struct back_volume;

/** Memory for requests of many pieces. */
struct back_pieces {
	struct back_pieces *next;
	uint16_t tickets[FIDO_BLK_SEGMENTS_MAX + 1];
	struct iovec iov[FIDO_BLK_LENT_MAX];
	void *lent[FIDO_BLK_LENT_MAX];
};

/** A command and what is known of it. */
struct back_request {
	struct blk_io io; /* first: blk_io_done() gets it */
	STAILQ_ENTRY(back_request) next;
	struct back_queue *queue;
	struct fido_receiver *receiver;
	unsigned int op; /**< of the protocol */
	uint16_t status; /**< found wrong already */
	bool counted;    /**< it is one of queue->in_flight */
	bool has_memory; /**< io.iov is memory to lend with the answer */
	uint32_t ticket_count;
	uint16_t *tickets; /**< tickets_few, or in pieces */
	uint16_t tickets_few[BACK_FEW + 1];
	struct iovec iov_few[BACK_FEW];
	void *lent_few[BACK_FEW];
	struct back_pieces *pieces;
	void *buffer;             /**< of the worker's buffers, to read into */
	struct blk_open_shm open; /**< what OPEN says */
};

/** First in, first out. */
STAILQ_HEAD(back_requests, back_request);

/** Forget what a former command has left. */
void back_request_reset(struct back_request *r);
/** Have room for as many pieces as there can be. @return false: no memory */
bool back_request_grow(struct back_queue *q, struct back_request *r);
/** It is answered: the queue can use it again. */
void back_request_free(struct back_queue *q, struct back_request *r);
/** The request is done: it is answered at the end of the burst. */
void back_request_done(struct back_request *r, uint16_t status);
/** Answer an OPEN with what the volume is. */
void back_request_lend_info(struct back_request *r, const struct back_volume *v);
/** @return true when what was lent is not memory that was read, but what back_request_lend_info() lends */
bool back_request_is_info(const void *lent);
/** @return a piece of the worker's buffers, NULL: not now. @see back_buffer_give */
void *back_buffer_take(struct back_queue *q, size_t len);
void back_buffer_give(struct back_queue *q, void *buffer);

#endif
