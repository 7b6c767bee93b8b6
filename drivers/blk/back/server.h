/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_BLK_SERVER_H
#define FIDO_BLK_SERVER_H

/**
 * @file
 * The block backend: serves volumes to the domains that offer it links. fido-blkd is its program.
 *
 *   main thread      blk_server_run(): accepts links, removes clients that are gone (clients.c)
 *   worker threads   worker.c: each has queues, memory for reads, and a channel per store
 *
 * Internals: server_private.h. Stores: store.h.
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

/** Zero-initialize; zero means the default. */
struct blk_server_config {
	unsigned int workers; /**< threads; default 1 */
	const int *cpus;      /**< CPU of each worker, or NULL */
	size_t buffer_size;   /**< bytes per worker for reads; default 64 MiB */
	uint32_t ring_size;   /**< descriptors that can be lent per queue; default 4096 */
	unsigned int spin_us; /**< poll this long before sleeping; UINT_MAX: never sleep */
	unsigned int volume_count;
	const struct blk_volume_config *volumes;
};

/**
 * Open the volumes and start the workers. The server owns the domain's regions and links.
 * @return 0, -EINVAL, -ENOSPC, or what the open() of a store returns; logs a message
 */
int blk_server_create(struct blk_server **out, struct fido_domain *domain,
	const struct blk_server_config *config);
/** Serve until *stop is not 0. @return 0 */
int blk_server_run(struct blk_server *server, const volatile sig_atomic_t *stop);
/**
 * Finish the requests in progress and close everything. Waits at most a few seconds for clients to
 * return lent memory. NULL is legal.
 */
void blk_server_destroy(struct blk_server *server);

#endif
