/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_BLK_BACK_CLIENT_H
#define FIDO_BLK_BACK_CLIENT_H

/** @file A client: the link of a front-end and the queues that serve it. */

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
	bool no_room;     /**< no room here for its rings: drop it, try again later */
	uint32_t downs;   /**< number of times the link has gone down */
	uint32_t leaving; /**< 1: workers release its queues when nothing is out */
	uint16_t queue_count;
	struct back_queue *queues[FIDO_LINK_QUEUES_MAX];
	/* Guarded by server->lock. */
	uint64_t session; /**< blk_open_shm.session of its open queues */
	struct back_volume *volume;
	unsigned int openers; /**< queues that have the volume open */
};

#endif
