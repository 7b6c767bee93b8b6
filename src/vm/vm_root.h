/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_VM_ROOT_H
#define FIDO_VM_ROOT_H

/**
 * @file
 * The root of a slot's memory in a group `vm:NAME`: which parts of the slot its owner exports, and
 * its doorbells. It lies in the last granule of the slot's memory, where every member finds it,
 * and all but the owner can only read it.
 *
 *   slot's base                                                    base + size
 *     | control region | arenas ...                        | root (2 MiB) |
 *
 * A gaddr in that part of the slot is at the same place in the slot's file (behind the file's
 * header), so members map what is exported without being sent anything. Memory at a higher gaddr is
 * in the file of its guest's RAM (vm_ram.h).
 *
 * The owner writes; readers check every value that they read. `seq` guards the extents and the
 * epoch, each set of bells has its own (seqlock.h). The owner writes `magic` last.
 */

#include <stddef.h>
#include <stdint.h>

#include <fido/gaddr.h>
#include <fido/link.h>

#define FIDO_VM_ROOT_MAGIC UINT64_C(0x52564f444946) /* "FIDOVR" */
/** Enough for 128 GiB of which every other granule, or each huge page by itself, is exported. */
#define FIDO_VM_EXTENTS_MAX 65536

struct fido_vm_extent_shm {
	uint64_t gaddr;
	uint64_t len;
	uint64_t place; /**< FIDO_VM_PLACE() */
};

/** Where memory is: the number of a file, and an offset behind the file's header, in bytes. */
#define FIDO_VM_PLACE_SHIFT 48
#define FIDO_VM_PLACE(file, offset) ((uint64_t)(file) << FIDO_VM_PLACE_SHIFT | (offset))
#define FIDO_VM_PLACE_FILE(place) ((uint32_t)((place) >> FIDO_VM_PLACE_SHIFT))
#define FIDO_VM_PLACE_OFFSET(place) ((place) & ((UINT64_C(1) << FIDO_VM_PLACE_SHIFT) - 1))

/**
 * A doorbell: its number, for RING, and its vector plus 1, or 0: it has none. Who can ring vectors
 * does so.
 */
#define FIDO_VM_BELL(number, vector) ((uint32_t)(number) | ((uint32_t)(vector) + 1) << 16)
#define FIDO_VM_BELL_NUMBER(bell) ((bell)&0xffff)
/** @return the vector; FIDO_VM_ANY: none */
#define FIDO_VM_BELL_VECTOR(bell) (((bell) >> 16) - 1)
#define FIDO_VM_BELL_NUMBER_MAX 0xffff

struct fido_vm_bells_shm {
	char link[FIDO_NAME_MAX];
	uint32_t seq;
	uint16_t nrx;
	uint16_t ntx;
	/** FIDO_VM_BELL(): of the nrx receive queues, then of the ntx transmit queues. */
	uint32_t bells[2 * FIDO_LINK_QUEUES_MAX];
};

struct fido_vm_root_shm {
	uint64_t magic;
	uint32_t version; /**< FIDO_VM_VERSION */
	uint32_t slot;
	uint64_t generation;
	uint64_t control_size; /**< bytes of the control region, at the slot's base */
	uint32_t seq;
	uint32_t epoch; /**< all withdrawals up to it are in the extents */
	uint32_t count; /**< of extents, by gaddr, without the control region */
	uint32_t sent;  /**< all exports up to this epoch are in the extents */
	struct fido_vm_bells_shm bells[FIDO_DOMAIN_LINKS_MAX]; /**< by the owner's link */
	struct fido_vm_extent_shm extents[FIDO_VM_EXTENTS_MAX];
};

_Static_assert(offsetof(struct fido_vm_root_shm, bells) == 48, "layout");
_Static_assert(offsetof(struct fido_vm_root_shm, extents) == 18992, "layout");
_Static_assert(sizeof(struct fido_vm_root_shm) <= FIDO_GRANULE_SIZE, "the root has one granule");

#endif
