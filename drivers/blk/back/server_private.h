/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_BLK_BACK_SERVER_PRIVATE_H
#define FIDO_BLK_BACK_SERVER_PRIVATE_H

/**
 * @file
 * The backend from the inside. Calls go one way, down:
 *
 *   server            main thread: opens, runs, closes all
 *   clients           main thread: accepts links, takes clients apart; admit, refusal
 *   worker            a thread: polls its queues and its channels, sleeps
 *   session, queue    worker's thread: OPEN; commands and answers
 *   command, request, counters, pool, volume
 *
 * Who touches what: a worker's thread alone its queues, their requests and channels; the main thread makes clients, hands their
 * queues to workers (worker.inbox), and takes them apart when the workers have let go of them (queue.left). What is common to
 * workers (who has a volume open) is guarded by server->lock.
 */

#include <pthread.h>

#include <fido/blk_shm.h>
#include <fido/link.h>
#include <fido/region.h>

#include "server.h"

struct back_client;
struct back_volume;
struct back_worker;

/** Queues that are shown to fido-ctl. */
#define BACK_QUEUES_SHOWN 512u

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

#endif
