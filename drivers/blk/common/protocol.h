/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_BLK_PROTOCOL_H
#define FIDO_BLK_PROTOCOL_H

/**
 * @file
 * What front-end and backend say to each other over a link. doc/blk.md has it for people who write another implementation.
 *
 *   front-end                                        backend
 *   command [+ memory to write from]  -- message -->
 *                                     <-- message --  memory that was read (tag: the command's ticket)
 *                                     <- completion - status of the command
 *                       - completion of the memory ->  it is the backend's again
 *
 * A command is one descriptor without memory (FIDO_DESC_INLINE): its flags have the operation, its address the offset, its length
 * the length. A write's memory follows in the same message. So a write costs a message and a completion, a read a message and a
 * completion each way, and nothing is allocated or copied for them. OPEN comes first on each queue in each session (a session is
 * one life of the link's rings); its descriptor names a blk_open_shm, and it is answered with a blk_info_shm as with memory that was read.
 *
 * The memory of a read is published before the command's completion: who has seen the completion finds the memory in the ring.
 */

#include <stdint.h>

#include <fido/blk.h>
#include <fido/queue_shm.h>

#define BLK_MAGIC UINT32_C(0x4b4c4246)
#define BLK_VERSION 1
/** What the links' names begin with. */
#define BLK_LINK_PREFIX "blk"
/** Largest ring: a ticket fits into the flags of a descriptor. */
#define BLK_RING_MAX 8192u
/** Offsets, and the lengths of discard and write-zeroes, are in these units. */
#define BLK_SECTOR 512u

/** A command's flags, from FIDO_DESC_USER_SHIFT on: operation [3:0], FUA [4], 0. */
#define BLK_OP_OPEN 15u
#define BLK_OP_MASK 0xfu
#define BLK_FLAG_FUA 0x10u

/** Status: 0, what the core says, or one of these. */
#define BLK_STATUS_NOT_OPEN (FIDO_STATUS_USER - 1) /**< say OPEN first (again) */
#define BLK_STATUS_ERRNO(e) ((uint16_t)(FIDO_STATUS_USER + (e)))

#define BLK_OPEN_READ_ONLY 0x1u
#define BLK_OPEN_EXCLUSIVE 0x2u

/** In the front-end's memory. */
struct blk_open_shm {
	uint32_t magic;
	uint32_t version;
	uint64_t session; /**< differs between those who open */
	uint32_t flags;   /**< BLK_OPEN_* */
	uint32_t pad;
	char volume[FIDO_BLK_VOLUME_MAX];
};

/** In the backend's memory. */
struct blk_info_shm {
	uint32_t magic;
	uint32_t version;
	uint64_t size;
	uint64_t identity;
	uint32_t block_size;
	uint32_t max_transfer;
	uint32_t max_segments;
	uint32_t features;
};

FIDO_STATIC_ASSERT(sizeof(struct blk_open_shm) == 24 + FIDO_BLK_VOLUME_MAX, "layout");
FIDO_STATIC_ASSERT(sizeof(struct blk_info_shm) == 40, "layout");

/** @return the flags of a command's descriptor. */
static inline uint16_t
blk_command_flags(unsigned int op, unsigned int flags)
{
	return (uint16_t)(FIDO_DESC_INLINE | (op | flags) << FIDO_DESC_USER_SHIFT);
}

/** @return true when the operation's length counts sectors; it counts bytes otherwise. */
static inline int
blk_op_in_sectors(unsigned int op)
{
	return op == FIDO_BLK_DISCARD || op == FIDO_BLK_WRITE_ZEROES;
}

#endif
