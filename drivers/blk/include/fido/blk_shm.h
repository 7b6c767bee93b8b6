/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_BLK_SHM_H
#define FIDO_BLK_SHM_H

/**
 * @file
 * What a block backend publishes about itself in its control region: its volumes and its clients'
 * queues, for fido-ctl, and its refusals, for front-ends that wait for an answer.
 * Only the backend writes it. fido_control_shm.table is the address, with table_kind
 * FIDO_BLK_SHM_MAGIC.
 */

#include <stddef.h>
#include <stdint.h>

#include <fido/blk.h>
#include <fido/queue_shm.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Kind and magic of the table: "FBLK". */
#define FIDO_BLK_SHM_MAGIC UINT32_C(0x4b4c4246)
/** Version of the table's layout. */
#define FIDO_BLK_SHM_VERSION 2

/**
 * Counters of one queue of one client, or of all closed queues of a volume. Each has one writer, a
 * thread of the backend.
 */
struct fido_blk_counters_shm {
	uint64_t requests[8]; /**< answered, by enum fido_blk_op */
	uint64_t errors;      /**< of these, answered with an error */
	uint64_t bad;         /**< of these errors, because the request was malformed */
	uint64_t read_bytes;  /**< bytes read */
	uint64_t write_bytes; /**< bytes written */
	uint64_t lent;        /**< pieces of memory lent */
	uint64_t returned;    /**< pieces of memory that came back */
	uint64_t in_flight;   /**< requests in progress */
	uint64_t waits; /**< times a request had to wait for memory, or for room in the ring */
};

/** One volume. */
struct fido_blk_volume_shm {
	char name[FIDO_BLK_VOLUME_MAX];
	char store[64];      /**< "mem", "file:/path" ..., truncated */
	uint64_t size;       /**< bytes */
	uint64_t identity;   /**< fido_blk_info.identity */
	uint32_t block_size; /**< bytes */
	uint32_t features;   /**< FIDO_BLK_CAN_* */
	uint32_t clients;    /**< that have it open */
	uint32_t exclusive;  /**< 1: a client has it open exclusively */
	uint64_t copied;     /**< writes that were copied on their way to the medium */
	uint64_t pad[3];
	struct fido_blk_counters_shm closed; /**< sums of the closed queues */
};

/** One open queue of a client. */
struct fido_blk_queue_shm {
	uint32_t used;   /**< 1: open, 0: this entry is free */
	uint32_t volume; /**< index in volumes */
	uint32_t queue;  /**< index of the client's queue */
	uint32_t pad0;
	char client[FIDO_NAME_MAX]; /**< name of the client's domain */
	uint64_t pad[2];
	struct fido_blk_counters_shm counters;
};

/** Most refusals in the table; a new one replaces the oldest. */
#define FIDO_BLK_REFUSALS 64

/** A domain that was refused. */
struct fido_blk_refusal_shm {
	uint64_t generation; /**< of the domain; 0: this entry is free */
	uint64_t error;      /**< reason, a positive errno; written before `generation` */
};

/** The table that a block backend publishes. */
struct fido_blk_shm {
	uint32_t magic;        /**< FIDO_BLK_SHM_MAGIC */
	uint32_t version;      /**< FIDO_BLK_SHM_VERSION */
	uint32_t volume_count; /**< entries of volumes */
	uint32_t queue_count;  /**< entries of queues, free ones included */
	uint64_t volumes;      /**< gaddr of volume_count fido_blk_volume_shm */
	uint64_t queues;       /**< gaddr of queue_count fido_blk_queue_shm */
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
