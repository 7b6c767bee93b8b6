/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_BLK_BACK_VOLUME_H
#define FIDO_BLK_BACK_VOLUME_H

/** @file A volume, and what the backend publishes about it. */

#include <fido/blk_shm.h>

#include "protocol.h"
#include "server.h"
#include "store.h"

struct back_client;
struct back_worker;

struct back_volume {
	char name[FIDO_BLK_VOLUME_MAX];
	struct blk_store *store;
	uint32_t index;
	struct back_worker *home;  /**< if the store has only one channel: its worker */
	struct blk_info_shm *info; /**< in server->info_arena */
	struct fido_blk_volume_shm *shm;
	/* Guarded by server->lock. */
	unsigned int clients;
	struct back_client *exclusive;
};

/**
 * Open a volume and add it to the server. Main thread.
 * @return 0, -EINVAL, or what the store's open() returns
 */
int back_volume_open(struct blk_server *s, const struct blk_volume_config *config);
/** @return the volume of that name, or NULL */
struct back_volume *back_volume_find(struct blk_server *s, const char *name);

#endif
