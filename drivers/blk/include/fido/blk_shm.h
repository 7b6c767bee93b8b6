/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_BLK_SHM_H
#define FIDO_BLK_SHM_H

/**
 * @file
 * What a block backend publishes about itself, in its control region: for fido-ctl its volumes, and its clients' queues; for
 * front-ends that wait, that they were refused.
 * Writer: the backend. fido_control_shm.table says where, with table_kind FIDO_BLK_SHM_MAGIC.
 */

#include <stddef.h>
#include <stdint.h>

#include <fido/blk.h>
#include <fido/queue_shm.h>

#ifdef __cplusplus
extern "C" {
#endif

#define FIDO_BLK_SHM_MAGIC UINT32_C(0x4b4c4246) /* "FBLK" */
#define FIDO_BLK_SHM_VERSION 2

/** Counters of one queue of one client, or of all that a volume has served. Each has one writer, a thread of the backend. */
struct fido_blk_counters_shm {
	uint64_t requests[8]; /**< answered, by enum fido_blk_op */
	uint64_t errors;      /**< answered with an error */
	uint64_t bad;         /**< of these, because the request made no sense */
	uint64_t read_bytes;
	uint64_t write_bytes;
	uint64_t lent;      /**< pieces of memory that were lent */
	uint64_t returned;  /**< and came back */
	uint64_t in_flight; /**< requests that are being worked on */
	uint64_t waits;     /**< times a request had to wait for memory, or for room in the ring */
};

/** One volume. */
struct fido_blk_volume_shm {
	char name[FIDO_BLK_VOLUME_MAX];
	char store[64]; /**< "mem", "file:/path" ..., cut */
	uint64_t size;
	uint64_t identity;
	uint32_t block_size;
	uint32_t features; /**< FIDO_BLK_CAN_* */
	uint32_t clients;  /**< that have it open */
	uint32_t exclusive;
	uint64_t copied; /**< writes that were copied on their way to the medium */
	uint64_t pad[3];
	struct fido_blk_counters_shm closed; /**< of the queues that are gone */
};

/** One queue of a client that is open. */
struct fido_blk_queue_shm {
	uint32_t used;   /**< 1: it is open */
	uint32_t volume; /**< index */
	uint32_t queue;
	uint32_t pad0;
	char client[FIDO_NAME_MAX];
	uint64_t pad[2];
	struct fido_blk_counters_shm counters;
};

/** Domains whose refusal is shown at a time; the oldest gives way. */
#define FIDO_BLK_REFUSALS 64

/** A domain that was refused. */
struct fido_blk_refusal_shm {
	uint64_t generation; /**< the domain's; 0: none */
	uint64_t error;      /**< why, errno; written before `generation` */
};

struct fido_blk_shm {
	uint32_t magic;
	uint32_t version;
	uint32_t volume_count;
	uint32_t queue_count; /**< places for queues */
	uint64_t volumes;     /**< gaddr of volume_count fido_blk_volume_shm */
	uint64_t queues;      /**< gaddr of queue_count fido_blk_queue_shm */
	struct fido_blk_refusal_shm refused[FIDO_BLK_REFUSALS];
};

FIDO_STATIC_ASSERT(sizeof(struct fido_blk_counters_shm) == 128, "layout");
FIDO_STATIC_ASSERT(sizeof(struct fido_blk_volume_shm) == 320, "layout");
FIDO_STATIC_ASSERT(offsetof(struct fido_blk_volume_shm, closed) == 192, "layout");
FIDO_STATIC_ASSERT(sizeof(struct fido_blk_queue_shm) == 192, "layout");
FIDO_STATIC_ASSERT(sizeof(struct fido_blk_refusal_shm) == 16, "layout");
FIDO_STATIC_ASSERT(offsetof(struct fido_blk_shm, refused) == 32, "layout");
FIDO_STATIC_ASSERT(sizeof(struct fido_blk_shm) == 32 + 16 * FIDO_BLK_REFUSALS, "layout");

#ifdef __cplusplus
}
#endif

#endif
