/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_BLK_BACK_WORKER_H
#define FIDO_BLK_BACK_WORKER_H

/** @file A worker: a thread that serves queues. */

#include <pthread.h>

#include "pool.h"
#include "server.h"

struct back_worker {
	struct blk_server *server;
	pthread_t thread;
	bool started;
	unsigned int index;
	int cpu; /**< -1: not pinned */
	int wake_fd;
	struct back_pool pool;
	struct back_queue *queues;
	uint32_t stop;
	pthread_mutex_t inbox_lock;
	struct back_queue *inbox;
	uint32_t inbox_full;
};

/** Start the thread. @return 0 or -errno. @see back_worker_join */
int back_worker_start(struct back_worker *w);
/** Finish the requests in progress, then end the thread. */
void back_worker_join(struct back_worker *w);
/** Free the resources. All queues are destroyed. */
void back_worker_free(struct back_worker *w);
/** Wake the thread if it sleeps. Any thread. */
void back_worker_wake(struct back_worker *w);
/** Pass a queue to the worker. Any thread. */
void back_worker_give(struct back_worker *w, struct back_queue *q);

#endif
