/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_BLK_FRONT_H
#define FIDO_BLK_FRONT_H

/**
 * @file
 * Internals of the front-end: an open volume and its queues.
 *
 * States of a request (struct request.state):
 *
 *   FREE -- submit --> WAITING -- sent --> SENT -- answered --> READY -- polled --> FREE
 *                         ^                 |                     |
 *                         +-- new session --+                     +--> LENT -- released --> FREE
 *
 *   SENT -- answered, memory still out --> ANSWERED -- all tickets back --> READY
 *
 * | state    | meaning                                                                            |
 * |----------|------------------------------------------------------------------------------------|
 * | WAITING  | in q->waiting: send it when the session is open and the ring has room              |
 * | SENT     | in the rings of the current session                                                |
 * | ANSWERED | result known; tickets of earlier sessions are out: a dead backend may still be     |
 * |          | reading the memory                                                                 |
 * | READY    | in q->ready                                                                        |
 * | LENT     | the caller has the backend's memory                                                |
 *
 * A session is one incarnation of the link's rings. A request that is SENT when its session ends is
 * sent again in the next one.
 *
 * In q->waiting, requests with bounce memory precede requests without. So the first one never waits
 * for memory held by those behind it: requests that are SENT or ANSWERED hold it, and free it.
 */

#include <pthread.h>
#include <sys/queue.h>

#include <fido/blk.h>
#include <fido/link.h>
#include <fido/region.h>
#include <fido/rxq.h>
#include <fido/txq.h>

#include "buffers.h"
#include "protocol.h"

/** Pieces that fit into a request without an allocation. */
#define REQUEST_IOV 4

enum request_state {
	REQUEST_FREE,
	REQUEST_WAITING,
	REQUEST_SENT,
	REQUEST_ANSWERED,
	REQUEST_READY,
	REQUEST_LENT
};

struct request {
	STAILQ_ENTRY(request) next; /**< in a list of the queue */
	uint32_t seq;               /**< counts the uses of this struct */
	uint16_t index;
	uint16_t ticket; /**< of the command in this session */
	uint8_t state;
	uint8_t op;
	uint32_t flags;
	bool again; /**< the backend did not do it: send it again */
	uint64_t offset;
	uint64_t length;
	void *cookie;
	int error;
	uint32_t tickets_out; /**< in all sessions */
	bool names_caller;    /**< tickets out may refer to the caller's memory, not to a copy */
	unsigned int iovcnt;  /**< the caller's memory; if LENT: the backend's */
	struct iovec *iov;    /**< iov_few or allocated */
	struct iovec iov_few[REQUEST_IOV];
	void *bounce;          /**< copy of the data to write */
	uint64_t arrived;      /**< bytes of a read received so far */
	unsigned int rx_count; /**< descriptors of lent memory */
	struct fido_rx *rx;    /**< rx_few or allocated */
	struct fido_rx rx_few[REQUEST_IOV];
};

/** First in, first out. */
STAILQ_HEAD(request_list, request);

enum session_state {
	SESSION_NONE,    /**< no rings */
	SESSION_OPENING, /**< OPEN is out */
	SESSION_OPEN,
	SESSION_REFUSED, /**< requests fail with q->refusal, which is not 0 */
};

struct fido_blk_queue {
	struct fido_blk *blk;
	struct fido_txq *txq;
	struct fido_rxq *rxq;
	uint16_t index;
	enum session_state state;
	uint64_t session;    /**< fido_sender.queue_id of the rings */
	uint8_t session_tag; /**< marks the cookies of this session */
	int refusal;
	uint16_t open_ticket; /**< OPENING: ticket of the OPEN */
	/** index + 1 of the last read with that ticket, which may be done; 0: none */
	uint16_t by_ticket[BLK_RING_MAX];
	struct request *requests;
	uint32_t depth;
	uint32_t inflight; /**< not FREE */
	struct request_list free;
	struct request_list waiting;
	struct request_list ready;
	struct blk_buffers *bounce;
	struct blk_open_shm *open_shm; /**< a piece of bounce */
	struct fido_rx *done;          /**< descriptors to return */
	unsigned int done_count;
	struct fido_rx *polled; /**< scratch array */
	struct fido_blk_stats stats;
};

struct fido_blk {
	struct fido_domain *domain;
	struct fido_link *link;
	struct fido_blk_config config;
	struct fido_region *bounce; /**< arena for the bounce memory of all queues */
	char volume[FIDO_BLK_VOLUME_MAX];
	char backend[FIDO_NAME_MAX];
	uint64_t client;      /**< blk_open_shm.session */
	pthread_mutex_t lock; /**< guards info_known and info */
	bool info_known;
	int refused; /**< fido_blk_open(): why the backend accepts no link, -errno; 0: unknown */
	struct fido_blk_info info;
	uint16_t queue_count;
	struct fido_blk_queue *queues[FIDO_LINK_QUEUES_MAX];
};

/** Descriptors polled at a time; more than the longest message has. */
#define FRONT_POLL_MAX 512u

/* ---- front_queue.c ---- */

/** @return 0, -ENOMEM, -ENOSPC. @see blk_front_queue_destroy */
int blk_front_queue_create(struct fido_blk *blk, uint16_t index, struct fido_blk_queue **out);
/** NULL is legal. */
void blk_front_queue_destroy(struct fido_blk_queue *q);
/** Return lent memory, drop all requests. */
void blk_front_queue_abandon(struct fido_blk_queue *q);
/** Process answers, follow the link, send. */
void blk_front_queue_step(struct fido_blk_queue *q);

/* ---- front_session.c ---- */

/** @return queue_id of the rings that can be posted to; 0: none */
uint64_t blk_front_ring_id(struct fido_blk_queue *q);
/** Begin a session when the link has new rings; fail all requests when it is closed for good. */
void blk_front_session_check(struct fido_blk_queue *q);
/** Process the answer to OPEN. @param rx its memory */
void blk_front_session_info(struct fido_blk_queue *q, const struct fido_rx *rx);
/** Process the completion of OPEN. */
void blk_front_session_status(struct fido_blk_queue *q, uint16_t status);

/* ---- front_send.c ---- */

/** Post waiting requests while the ring has room. */
void blk_front_send(struct fido_blk_queue *q);
/** Post OPEN. @return false: not now */
bool blk_front_send_open(struct fido_blk_queue *q);

/* ---- front_answer.c ---- */

/** Process the backend's answers. @return true when there were any */
bool blk_front_take_answers(struct fido_blk_queue *q);
/** Return the descriptors in q->done. */
void blk_front_give_back(struct fido_blk_queue *q);
/** Finish a request with its result. */
void blk_front_finish(struct fido_blk_queue *q, struct request *r, int error);
/** Queue a sent request again: the backend did not do it. */
void blk_front_wait_again(struct fido_blk_queue *q, struct request *r);
/** @return -errno for an error status of the backend; never 0 */
int blk_front_status_error(uint16_t status);
/** Return the pieces that a read has received. */
void blk_front_drop_pieces(struct fido_blk_queue *q, struct request *r);
/** Return a descriptor at the end of the burst. */
void blk_front_done_with(struct fido_blk_queue *q, const struct fido_rx *rx);

/* ---- cookies: what a ticket stands for ---- */

/** Place of OPEN in a cookie. */
#define COOKIE_OPEN 0xffffu

/** index + 1 [15:0], session_tag [23:16], seq [55:24]. Never NULL. */
static inline void *
front_cookie(const struct fido_blk_queue *q, uint32_t seq, uint32_t place)
{
	return (void *)(uintptr_t)((uint64_t)seq << 24 | (uint64_t)q->session_tag << 16 | place);
}

#endif
