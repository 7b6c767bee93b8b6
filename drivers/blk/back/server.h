/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_BLK_SERVER_H
#define FIDO_BLK_SERVER_H

/**
 * @file
 * The backend: serves volumes to the domains that offer it links. What fido-blkd is made of.
 *
 *   main thread      blk_server_run(): accepts links and takes clients apart (clients.c)
 *   worker threads   worker.c: each has queues, a channel to each store that they use, and memory for reads
 *
 * server_private.h shows the backend from the inside, store.h the stores.
 */

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <fido/blk.h>
#include <fido/domain.h>

#define BLK_WORKERS_MAX 32
#define BLK_VOLUMES_MAX 256

struct blk_server;

struct blk_volume_config {
	const char *name;
	const char *store; /**< "KIND:ARG" */
	bool read_only;
};

/** Zero-initialize; what is left zero takes its default. */
struct blk_server_config {
	unsigned int workers; /**< threads; default 1 */
	const int *cpus;      /**< workers' processors, or NULL */
	size_t buffer_size;   /**< bytes of each worker for reads; default 64 MiB */
	uint32_t ring_size;   /**< descriptors that can be lent to a queue; default 4096 */
	unsigned int
		spin_us; /**< how long a worker polls before it sleeps; UINT_MAX: it never sleeps */
	unsigned int volume_count;
	const struct blk_volume_config *volumes;
};

/**
 * Open the volumes and start the workers. The domain's regions and links are the server's.
 * @return 0, -EINVAL, -ENOSPC, what a store's open() returns; with a message
 */
int blk_server_create(struct blk_server **out, struct fido_domain *domain,
	const struct blk_server_config *config);
/** Accept and serve until *stop is not 0. @return 0 */
int blk_server_run(struct blk_server *server, const volatile sig_atomic_t *stop);
/**
 * Finish what is being worked on, close everything. Blocks for at most a few seconds for clients that do not give back what
 * was lent. NULL is legal.
 */
void blk_server_destroy(struct blk_server *server);

#endif
