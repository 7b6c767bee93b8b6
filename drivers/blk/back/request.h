/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_BLK_BACK_REQUEST_H
#define FIDO_BLK_BACK_REQUEST_H

/** @file A request: a command in progress, and its memory. Worker's thread only. */

#include <sys/queue.h>

#include <fido/blk.h>
#include <fido/receiver.h>

#include "protocol.h"
#include "store.h"

/** Pieces and tickets that fit into a request without a struct back_pieces. */
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

/** A command in progress. */
struct back_request {
	struct blk_io io; /* must be first: blk_io_done() casts */
	STAILQ_ENTRY(back_request) next;
	struct back_queue *queue;
	struct fido_receiver *receiver;
	unsigned int op; /**< operation in the protocol */
	uint16_t status; /**< not 0: found invalid */
	bool counted;    /**< in queue->in_flight */
	bool has_memory; /**< lend io.iov with the answer */
	uint32_t ticket_count;
	uint16_t *tickets; /**< tickets_few or pieces->tickets */
	uint16_t tickets_few[BACK_FEW + 1];
	struct iovec iov_few[BACK_FEW];
	void *lent_few[BACK_FEW];
	struct back_pieces *pieces;
	void *buffer;             /**< of the pool's buffers, to read into */
	struct blk_open_shm open; /**< copy of OPEN's payload */
};

/** First in, first out. */
STAILQ_HEAD(back_requests, back_request);

/** Clear a request for a new command. */
void back_request_reset(struct back_request *r);
/** Make room for the largest number of pieces. @return false: out of memory */
bool back_request_grow(struct back_queue *q, struct back_request *r);
/** Return an answered request to the queue. */
void back_request_free(struct back_queue *q, struct back_request *r);
/** Finish a request; it is answered at the end of the burst. */
void back_request_done(struct back_request *r, uint16_t status);
/** Answer an OPEN with the volume's properties. */
void back_request_lend_info(struct back_request *r, const struct back_volume *v);
/** @return true when back_request_lend_info() lent it, not a read */
bool back_request_is_info(const void *lent);
/** Allocate from the pool's buffers. @return NULL: not now. @see back_buffer_give */
void *back_buffer_take(struct back_queue *q, size_t len);
void back_buffer_give(struct back_queue *q, void *buffer);

#endif
