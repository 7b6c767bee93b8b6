/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_BLK_BACK_WORKER_H
#define FIDO_BLK_BACK_WORKER_H

/** @file A thread of the backend, which serves queues. */

#include <pthread.h>

#include "pool.h"
#include "server.h"

struct back_worker {
	struct blk_server *server;
	pthread_t thread;
	bool started;
	unsigned int index;
	int cpu; /**< -1: any */
	int wake_fd;
	struct back_pool pool;
	struct back_queue *queues;
	uint32_t stop;
	pthread_mutex_t inbox_lock;
	struct back_queue *inbox;
	uint32_t inbox_full;
};

int back_worker_start(struct back_worker *w);
/** Have it finish what has begun, and end its thread. */
void back_worker_join(struct back_worker *w);
/** Free what it has. Its queues are gone. */
void back_worker_free(struct back_worker *w);
void back_worker_wake(struct back_worker *w);
/** Hand over a queue. Any thread. */
void back_worker_give(struct back_worker *w, struct back_queue *q);

#endif
