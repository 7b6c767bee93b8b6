/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_BLK_PROTOCOL_H
#define FIDO_BLK_PROTOCOL_H

/**
 * @file
 * The protocol between front-end and backend over a link. doc/blk.md describes it for implementers.
 *
 *   front-end                                        backend
 *   command [+ memory to write from]  -- message -->
 *                                     <-- message --  memory that was read (tag: command's ticket)
 *                                     <- completion - status of the command
 *                       - completion of the memory ->  the backend may reuse it
 *
 * A command is one descriptor without memory (FIDO_DESC_INLINE): its flags hold the operation, its
 * address the offset, its length the length. The memory of a write follows in the same message. So
 * a write takes one message and one completion, a read one of each per direction, and neither side
 * allocates or copies anything for them. OPEN is the first command on each queue in each session (a
 * session is one incarnation of the link's rings). Its descriptor refers to a blk_open_shm; the
 * answer refers to a blk_info_shm, like memory that was read.
 *
 * The backend publishes the memory of a read before the completion of its command: a front-end that
 * sees the completion finds the memory in the ring.
 */

#include <stdint.h>

#include <fido/blk.h>
#include <fido/queue_shm.h>

#define BLK_MAGIC UINT32_C(0x4b4c4246)
#define BLK_VERSION 1
/** Prefix of link names. */
#define BLK_LINK_PREFIX "blk"
/** Largest ring: a ticket must fit into the flags of a descriptor. */
#define BLK_RING_MAX 8192u
/** Unit of offsets and of the lengths of discard and write-zeroes. */
#define BLK_SECTOR 512u

/** Flags of a command, from FIDO_DESC_USER_SHIFT on: operation [3:0], FUA [4], others 0. */
#define BLK_OP_OPEN 15u
#define BLK_OP_MASK 0xfu
#define BLK_FLAG_FUA 0x10u

/** Status: 0, a FIDO_STATUS_* of the core, or one of these. */
#define BLK_STATUS_NOT_OPEN (FIDO_STATUS_USER - 1) /**< send OPEN first (again) */
#define BLK_STATUS_ERRNO(e) ((uint16_t)(FIDO_STATUS_USER + (e)))

#define BLK_OPEN_READ_ONLY 0x1u
#define BLK_OPEN_EXCLUSIVE 0x2u

/** Payload of OPEN, in the front-end's memory. */
struct blk_open_shm {
	uint32_t magic;
	uint32_t version;
	uint64_t session; /**< unique for each opened volume */
	uint32_t flags;   /**< BLK_OPEN_* */
	uint32_t pad;
	char volume[FIDO_BLK_VOLUME_MAX];
};

/** Answer to OPEN, in the backend's memory. */
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

/** @return flags for the descriptor of a command */
static inline uint16_t
blk_command_flags(unsigned int op, unsigned int flags)
{
	return (uint16_t)(FIDO_DESC_INLINE | (op | flags) << FIDO_DESC_USER_SHIFT);
}

/** @return true when the operation's length is in sectors; otherwise it is in bytes */
static inline int
blk_op_in_sectors(unsigned int op)
{
	return op == FIDO_BLK_DISCARD || op == FIDO_BLK_WRITE_ZEROES;
}

#endif
