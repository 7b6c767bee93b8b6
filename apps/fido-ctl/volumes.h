/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CTL_VOLUMES_H
#define CTL_VOLUMES_H

/**
 * @file
 * A copy of what a domain publishes about the block volumes that it serves
 * (fido/blk_shm.h). As for a snapshot, all checks are made here.
 */

#include <stdbool.h>
#include <stdint.h>

#include <fido/blk.h>
#include <fido/observer.h>

#include "counters.h"

/** A table with more entries is rejected. */
#define CTL_VOLUMES_MAX 4096u
#define CTL_CLIENT_QUEUES_MAX 16384u

#define CTL_STORE_MAX 64

struct ctl_volume {
	char name[FIDO_BLK_VOLUME_MAX]; /**< contains only A-Z a-z 0-9 _ . - ? */
	char store[CTL_STORE_MAX];      /**< printable ASCII */
	uint64_t size;
	uint64_t identity;
	uint32_t block_size;
	uint32_t features; /**< FIDO_BLK_CAN_* */
	uint32_t clients;
	bool exclusive;
	uint64_t copied;
	uint64_t closed[CTL_COUNTERS];  /**< of closed queues */
	uint64_t counter[CTL_COUNTERS]; /**< closed, plus those of open queues */
};

/** A queue of a client. */
struct ctl_client_queue {
	uint32_t place;  /**< index in the table of queues */
	uint32_t volume; /**< index, less than volume_count */
	uint32_t queue;
	char client[FIDO_NAME_MAX];
	uint64_t counter[CTL_COUNTERS];
};

struct ctl_volumes {
	bool bad; /**< the published table is inconsistent */
	uint32_t volume_count;
	struct ctl_volume *volumes;
	uint32_t queue_count;
	struct ctl_client_queue *queues;
};

/** Copy what the domain publishes. @return 0, -ENOMEM */
int ctl_volumes_read(struct ctl_volumes *out, const struct fido_observation *o);
void ctl_volumes_free(struct ctl_volumes *v);
/** @return pieces of memory that are lent and not returned. */
uint64_t ctl_volumes_lent_out(const uint64_t counter[CTL_COUNTERS]);
/** @return number of requests of all kinds. */
uint64_t ctl_volumes_requests(const uint64_t counter[CTL_COUNTERS]);

#endif
