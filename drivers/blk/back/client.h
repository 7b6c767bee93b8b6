/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_BLK_BACK_CLIENT_H
#define FIDO_BLK_BACK_CLIENT_H

/** @file A client: a link of a front-end, and the queues that serve it. */

#include <fido/link.h>

#include "server.h"

struct back_queue;
struct back_volume;

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

#endif
