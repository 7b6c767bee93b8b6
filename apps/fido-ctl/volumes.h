/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CTL_VOLUMES_H
#define CTL_VOLUMES_H

/**
 * @file
 * A copy of what a domain publishes of the block volumes that it serves (fido/blk_shm.h). As snapshot.h says: what is read is
 * checked here, and nowhere else.
 */

#include <stdbool.h>
#include <stdint.h>

#include <fido/blk.h>
#include <fido/observer.h>

#include "counters.h"

/** More of them are no table that this program knows. */
#define CTL_VOLUMES_MAX 4096u
#define CTL_CLIENT_QUEUES_MAX 16384u

#define CTL_STORE_MAX 64

struct ctl_volume {
	char name[FIDO_BLK_VOLUME_MAX]; /**< only A-Z a-z 0-9 _ . - and ? */
	char store[CTL_STORE_MAX];      /**< only what can be printed */
	uint64_t size;
	uint64_t identity;
	uint32_t block_size;
	uint32_t features; /**< FIDO_BLK_CAN_* */
	uint32_t clients;
	bool exclusive;
	uint64_t copied;
	uint64_t closed[CTL_COUNTERS];  /**< of the queues that are gone */
	uint64_t counter[CTL_COUNTERS]; /**< all: closed, and the queues that are open */
};

/** A queue of a client. */
struct ctl_client_queue {
	uint32_t place;  /**< in the table */
	uint32_t volume; /**< index, of one that is there */
	uint32_t queue;
	char client[FIDO_NAME_MAX];
	uint64_t counter[CTL_COUNTERS];
};

struct ctl_volumes {
	bool bad; /**< it publishes a table that makes no sense */
	uint32_t volume_count;
	struct ctl_volume *volumes;
	uint32_t queue_count;
	struct ctl_client_queue *queues;
};

/** Copy what the domain says now. @return 0, -ENOMEM */
int ctl_volumes_read(struct ctl_volumes *out, const struct fido_observation *o);
void ctl_volumes_free(struct ctl_volumes *v);
/** @return pieces of memory that are lent and not back. */
uint64_t ctl_volumes_lent_out(const uint64_t counter[CTL_COUNTERS]);
/** @return requests of all kinds. */
uint64_t ctl_volumes_requests(const uint64_t counter[CTL_COUNTERS]);

#endif
