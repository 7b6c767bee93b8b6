/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_BLK_BACK_SERVER_PRIVATE_H
#define FIDO_BLK_BACK_SERVER_PRIVATE_H

/**
 * @file
 * The backend from the inside. Calls go one way, down:
 *
 *   server            main thread: creates, runs and destroys everything
 *   clients           main thread: accepts links, removes clients; with admit, refusal
 *   worker            one thread: polls its queues and channels, sleeps
 *   session, queue    worker's thread: OPEN; commands and answers (answer)
 *   command, request, counters, pool, volume
 *
 * Ownership: only the worker's thread uses its queues, their requests and its channels. The main
 * thread creates clients, passes their queues to workers (worker.inbox), and destroys them when the
 * workers have released the queues (queue.left). server->lock guards what workers share: who has
 * which volume open.
 */

#include <pthread.h>

#include <fido/blk_shm.h>
#include <fido/link.h>
#include <fido/region.h>

#include "server.h"

struct back_client;
struct back_volume;
struct back_worker;

/** Number of queues that fido-ctl can show. */
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
	struct fido_offer *offers; /**< scratch array; grows */
	unsigned int offers_max;
	unsigned int next_refusal; /**< index in shm->refused: the oldest, or an unused one */
	uint64_t told_ms;          /**< when a refusal was last logged; 0: never */
	uint64_t retry_ms; /**< ignore offers until then, unless a client leaves; 0: do not */
	unsigned int retry_after_ms; /**< length of that pause */
};

#endif
