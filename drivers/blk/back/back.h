/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_BLK_BACK_H
#define FIDO_BLK_BACK_H

/**
 * @file
 * The backend from the inside.
 *
 * Who touches what: a worker's thread alone its queues, their requests and channels; the main thread makes clients, hands their
 * queues to workers (worker.inbox), and takes them apart when the workers have let go of them (queue.left). What is common to
 * workers (who has a volume open) is guarded by server->lock.
 *
 * A queue's client may be there, gone, or be another one than before (sessions, protocol.h):
 *
 * | state    | meaning                                                                                |
 * |----------|----------------------------------------------------------------------------------------|
 * | volume NULL | commands are answered with NOT_OPEN                                                |
 * | open     | volume and channel are set; it counts as one of the volume's openers                     |
 * | opening != NULL | an OPEN waits until what was begun before is done, or lent to another volume is back |
 */

#include <pthread.h>
#include <sys/queue.h>

#include <fido/blk_shm.h>
#include <fido/link.h>
#include <fido/receiver.h>
#include <fido/region.h>
#include <fido/rxq.h>
#include <fido/txq.h>

#include "buffers.h"
#include "protocol.h"
#include "server.h"
#include "store.h"

/** Messages of one queue that are polled at a time. */
#define BACK_BURST 32u
/** Pieces and tickets that a request names without further memory. */
#define BACK_FEW 4

struct back_queue;

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

struct back_volume {
	char name[FIDO_BLK_VOLUME_MAX];
	struct blk_store *store;
	uint32_t index;
	struct back_worker *home;  /**< the one that has the store's only channel, or NULL */
	struct blk_info_shm *info; /**< in the server's arena */
	struct fido_blk_volume_shm *shm;
	/* Guarded by server->lock. */
	unsigned int clients;
	struct back_client *exclusive;
};

struct back_queue {
	struct back_queue *next; /**< in the worker's list, or its inbox */
	struct back_client *client;
	uint16_t index;
	struct fido_txq *txq;
	struct fido_rxq *rxq;
	struct back_worker *worker;
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
	bool dirty;                   /**< in worker->dirty */
	struct back_queue *next_dirty;
	uint32_t left; /**< 1: the worker has let go of it */
	struct fido_blk_queue_shm *shm;
	struct fido_blk_counters_shm counters; /**< where there is no place in shm */
	struct fido_blk_counters_shm *count;
};

struct back_client {
	struct back_client *next;
	struct blk_server *server;
	struct fido_link *link;
	struct fido_offer offer;
	char peer[FIDO_NAME_MAX];
	bool no_room;     /**< its rings had no room here: it leaves, and is tried again */
	uint32_t downs;   /**< times the link has gone down */
	uint32_t leaving; /**< 1: workers let go of its queues when nothing is out */
	uint16_t queue_count;
	struct back_queue *queues[FIDO_LINK_QUEUES_MAX];
	/* Guarded by server->lock. */
	uint64_t session; /**< blk_open_shm.session of those that have it open */
	struct back_volume *volume;
	unsigned int openers; /**< queues that have it open */
};

struct back_channel {
	struct back_channel *next;
	struct blk_channel *channel;
};

struct back_worker {
	struct blk_server *server;
	pthread_t thread;
	bool started;
	unsigned int index;
	int cpu; /**< -1: any */
	int wake_fd;
	struct blk_buffers *buffers;
	struct back_channel *channels;
	struct back_queue *queues;
	struct back_queue *dirty;
	uint32_t stop;
	pthread_mutex_t inbox_lock;
	struct back_queue *inbox;
	uint32_t inbox_full;
	struct back_pieces *pieces; /**< free ones */
};

struct blk_server {
	struct fido_domain *domain;
	struct blk_server_config config;
	pthread_mutex_t lock;
	struct back_volume *volumes;
	unsigned int volume_count;
	struct fido_region *info_arena;
	struct fido_blk_shm *shm;
	struct fido_blk_volume_shm *volume_shm;
	struct fido_blk_queue_shm *queue_shm;
	struct back_client *clients;
	unsigned int client_count;
	struct back_worker *workers;
	unsigned int next_worker;
	struct fido_offer *offers; /**< scratch of a look at them; grows */
	unsigned int offers_max;
	unsigned int next_refusal; /**< of shm->refused: the oldest, or one that was never used */
	uint64_t told_ms; /**< when an offer that could not be taken was last told of; 0: never */
	uint64_t
		retry_ms; /**< until then offers are not looked at, if no client leaves; 0: they are */
	unsigned int retry_after_ms; /**< how long that was */
};

/** Queues that are shown to fido-ctl. */
#define BACK_QUEUES_SHOWN 512u

/* ---- back_queue.c ---- */

/** @return 0, -ENOMEM. @see back_queue_destroy */
int back_queue_create(struct back_client *client, uint16_t index, uint32_t requests,
	struct back_queue **out);
void back_queue_destroy(struct back_queue *q);
/** Poll commands, begin them. @return number */
unsigned int back_queue_poll(struct back_queue *q);
/** Take back what was lent. @return number of pieces */
unsigned int back_queue_reap(struct back_queue *q);
/** Answer what is done. */
void back_queue_answer(struct back_queue *q);
/** Try again what has waited for memory. */
void back_queue_retry(struct back_queue *q);
/** @return true when nothing is being worked on, and nothing waits to be answered. */
bool back_queue_idle(const struct back_queue *q);
/** Answer an OPEN with what the volume is. */
void back_request_lend_info(struct back_request *r, const struct back_volume *v);
/** The request is done: it is answered at the end of the burst. */
void back_request_done(struct back_request *r, uint16_t status);

/* ---- back_open.c ---- */

/** OPEN came. */
void back_open(struct back_queue *q, struct back_request *r);
/** Go on with an OPEN that waits. @return false: the queue now belongs to another worker */
bool back_open_retry(struct back_queue *q);
/** Close the queue's volume, if it is open and the client has gone away. */
void back_close_if_down(struct back_queue *q);
/** Count pieces of memory that came back. */
void back_count_returned(struct back_queue *q, unsigned int n);
/** Close the queue's volume. */
void back_close(struct back_queue *q);

/* ---- worker.c ---- */

int back_worker_start(struct back_worker *w);
/** Have it finish what has begun, and end its thread. */
void back_worker_join(struct back_worker *w);
/** Free what it has. Its queues are gone. */
void back_worker_free(struct back_worker *w);
void back_worker_wake(struct back_worker *w);
/** Hand over a queue. Any thread. */
void back_worker_give(struct back_worker *w, struct back_queue *q);
/** @return the worker's channel to a store, or NULL with a message. Its thread. */
struct blk_channel *back_worker_channel(struct back_worker *w, struct blk_store *store);

#endif
