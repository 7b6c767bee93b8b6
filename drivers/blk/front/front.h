/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_BLK_FRONT_H
#define FIDO_BLK_FRONT_H

/**
 * @file
 * The front-end from the inside: an open volume and its queues.
 *
 * A request's life (struct request.state):
 *
 *   FREE -- submit --> WAITING -- sent --> SENT -- answered --> READY -- polled --> FREE, or LENT -- released --> FREE
 *                         ^                 |  \-- answered, memory still out --> ANSWERED -- all back --^ (READY)
 *                         +-- new session --+
 *
 * | state    | meaning                                                                                    |
 * |----------|--------------------------------------------------------------------------------------------|
 * | WAITING  | in q->waiting: to be sent, when the session is open, and there is room                       |
 * | SENT     | in the rings of the present session                                                         |
 * | ANSWERED | the result is known; tickets of earlier sessions are out: a dead backend may still be reading |
 * | READY    | in q->ready                                                                                 |
 * | LENT     | the caller has the backend's memory                                                         |
 *
 * A session is one life of the link's rings. Whatever was SENT when it ended is sent again in the next.
 *
 * q->waiting: those that have memory in bounce stand before those that have none. So the first one never waits for memory
 * that others behind it have: what it waits for is with requests that are SENT or ANSWERED, and comes back.
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

/** Pieces that a request names without further memory. */
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
	uint32_t seq;               /**< which use of this place */
	uint16_t index;
	uint16_t ticket; /**< of its command in this session */
	uint8_t state;
	uint8_t op;
	uint32_t flags;
	bool again; /**< the backend has not done it: send it again */
	uint64_t offset;
	uint64_t length;
	void *cookie;
	int error;
	uint32_t tickets_out; /**< of all sessions */
	bool names_caller;    /**< tickets that are out may name the caller's memory, not a copy */
	unsigned int iovcnt;  /**< memory of the caller's; when lent: what was lent */
	struct iovec *iov;    /**< iov_few, or allocated */
	struct iovec iov_few[REQUEST_IOV];
	void *bounce;          /**< copy of what is written */
	uint64_t arrived;      /**< bytes of a read that have come */
	unsigned int rx_count; /**< descriptors of what was lent */
	struct fido_rx *rx;    /**< rx_few, or allocated */
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
	uint8_t session_tag; /**< tells the cookies of one session from those of another */
	int refusal;
	uint16_t open_ticket; /**< OPENING: whose answer is awaited */
	uint16_t by_ticket
		[BLK_RING_MAX]; /**< last read that had it: index + 1; 0: none. Its request knows whether it has it still */
	struct request *requests;
	uint32_t depth;
	uint32_t inflight; /**< not FREE */
	struct request_list free;
	struct request_list waiting;
	struct request_list ready;
	struct blk_buffers *bounce;
	struct blk_open_shm *open_shm; /**< a piece of bounce */
	struct fido_rx *done;          /**< descriptors to give back */
	unsigned int done_count;
	struct fido_rx *polled; /**< scratch of polling */
	struct fido_blk_stats stats;
};

struct fido_blk {
	struct fido_domain *domain;
	struct fido_link *link;
	struct fido_blk_config config;
	struct fido_region *bounce; /**< arena of all queues' bounce memory */
	char volume[FIDO_BLK_VOLUME_MAX];
	char backend[FIDO_NAME_MAX];
	uint64_t client;      /**< blk_open_shm.session */
	pthread_mutex_t lock; /**< info_known, info */
	bool info_known;
	int refused; /**< why the backend makes no link, -errno; 0: it has not said so. Of fido_blk_open() */
	struct fido_blk_info info;
	uint16_t queue_count;
	struct fido_blk_queue *queues[FIDO_LINK_QUEUES_MAX];
};

/** Descriptors polled at a time; more than one message can have. */
#define FRONT_POLL_MAX 512u

/* ---- front_queue.c ---- */

/** @return 0, -ENOMEM, -ENOSPC. @see blk_front_queue_destroy */
int blk_front_queue_create(struct fido_blk *blk, uint16_t index, struct fido_blk_queue **out);
/** NULL is legal. */
void blk_front_queue_destroy(struct fido_blk_queue *q);
/** Give back what is lent, forget all requests. */
void blk_front_queue_abandon(struct fido_blk_queue *q);
/** Do what a queue has to do. */
void blk_front_queue_step(struct fido_blk_queue *q);

/* ---- front_session.c ---- */

/** @return queue_id of the rings that can be posted to now; 0: none */
uint64_t blk_front_ring_id(struct fido_blk_queue *q);
/** Follow the link: begin a session when it has new rings; fail all when it is closed for good. */
void blk_front_session_check(struct fido_blk_queue *q);
/** The answer to OPEN came. @param rx its memory */
void blk_front_session_info(struct fido_blk_queue *q, const struct fido_rx *rx);
/** OPEN's ticket came back. */
void blk_front_session_status(struct fido_blk_queue *q, uint16_t status);

/* ---- front_send.c ---- */

/** Put as many of the waiting requests into the ring as there is room for. */
void blk_front_send(struct fido_blk_queue *q);
/** Post OPEN. @return false: not now */
bool blk_front_send_open(struct fido_blk_queue *q);

/* ---- front_answer.c ---- */

/** Take what the backend has answered. @return true when there was something */
bool blk_front_take_answers(struct fido_blk_queue *q);
/** Give back the descriptors that are done with. */
void blk_front_give_back(struct fido_blk_queue *q);
/** The result of a request is known. */
void blk_front_finish(struct fido_blk_queue *q, struct request *r, int error);
/** A request that was sent waits again: the backend has not done it. */
void blk_front_wait_again(struct fido_blk_queue *q, struct request *r);
/** @return the error, -errno, that a status of the backend's means; never 0 */
int blk_front_status_error(uint16_t status);
/** Give back what has come of a read. */
void blk_front_drop_pieces(struct fido_blk_queue *q, struct request *r);
/** Add to what is given back at the end of the burst. */
void blk_front_done_with(struct fido_blk_queue *q, const struct fido_rx *rx);

/* ---- cookies: what a ticket of ours stands for ---- */

/** Cookie's place of OPEN. */
#define COOKIE_OPEN 0xffffu

/** index + 1 [15:0], session_tag [23:16], seq [55:24]. Never NULL. */
static inline void *
front_cookie(const struct fido_blk_queue *q, uint32_t seq, uint32_t place)
{
	return (void *)(uintptr_t)((uint64_t)seq << 24 | (uint64_t)q->session_tag << 16 | place);
}

#endif
