/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_GADDR_H
#define FIDO_GADDR_H

/**
 * @file
 * The pseudo-global address space, and the one place where a peer's address becomes a pointer.
 *
 * A gaddr is a 64-bit address that means the same byte in every domain of a group. The group's
 * layout fixes where it lies: `slots` slots of `1 << slot_shift` bytes from `base`, one for each
 * domain generation. A peer's memory is mapped read-only at its own gaddr, so a gaddr that passes
 * the check below IS the pointer.
 *
 *   base                  base + slot size          base + 2 * slot size
 *    | control | regions... | control | regions...    | ...
 *    +-- slot 0 ------------+-- slot 1 ---------------+
 *
 * Invariants:
 * I1. A 1 in fido_map.granules means that all 2 MiB of that granule can be read without a
 *     fault: what the peer did not export of it reads as zero.
 * I2. It is written after the mapping is made, and a 0 before it is taken away.
 * I3. No value that a peer wrote is used as an address except through fido_map_ptr().
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <fido/atomic.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Slots a group can have at most; the mapped-by masks are 64 bits wide. */
#define FIDO_SLOTS_MAX 64
/** Bits of a gaddr that a descriptor carries. */
#define FIDO_GADDR_BITS 48
/** Memory is checked in granules of 2 MiB. */
#define FIDO_GRANULE_SHIFT 21
#define FIDO_GRANULE_SIZE (UINT64_C(1) << FIDO_GRANULE_SHIFT)

/** The default layout: 64 slots of 1 TiB from 0x1100_0000_0000. */
#define FIDO_DEFAULT_BASE UINT64_C(0x110000000000)
#define FIDO_DEFAULT_SLOT_SHIFT 40
#define FIDO_DEFAULT_SLOTS 64

/** A group's layout; equal in all its domains, checked at join. */
struct fido_layout {
	uint64_t base;       /**< first gaddr; a multiple of the slot size is not needed */
	uint32_t slot_shift; /**< log2 of the slot size in bytes */
	uint32_t slots;      /**< number of slots, 2 to FIDO_SLOTS_MAX */
};

/** @return the slot that holds gaddr; a number >= layout->slots when it is in none. */
static inline uint64_t
fido_layout_slot(const struct fido_layout *layout, uint64_t gaddr)
{
	return (gaddr - layout->base) >> layout->slot_shift;
}

/** @return the first gaddr of a slot. */
static inline uint64_t
fido_layout_slot_base(const struct fido_layout *layout, uint32_t slot)
{
	return layout->base + ((uint64_t)slot << layout->slot_shift);
}

/**
 * What of the group's address space this domain can read now: one byte for each granule. A byte is looked up with half of
 * the instructions that a bit takes; the table is as sparse as the address space.
 */
struct fido_map {
	uint64_t base;          /**< the layout's base; whole granules */
	uint64_t granule_count; /**< granules in the whole layout */
	uint8_t *
		granules; /**< 1: mapped, 0: not; written by the control thread, read by the data path */
};

/** @return true when granule g is mapped. */
static inline bool
fido_map_granule_test(const struct fido_map *map, uint64_t g)
{
	/* A1: pairs with R1 in fido_map_set(): the mapping is there before its byte is seen. */
	return g < map->granule_count && fido_load_acquire(&map->granules[g]) != 0;
}

/** The same as fido_map_ptr(), for a range that reaches into another granule. Use fido_map_ptr(). */
const void *fido_map_ptr_across(const struct fido_map *map, uint64_t gaddr, uint32_t len);

/**
 * Turn an address that a peer wrote into a pointer.
 *
 * Receiver, any thread; does not block. Memory is that of the domain whose slot it lies in; it stays
 * readable until the descriptor's ticket is completed.
 *
 * @param map   what is mapped
 * @param gaddr address of the first byte
 * @param len   length in bytes; 0 is checked as 1
 * @return
 *   - the pointer, readable for len bytes
 *   - NULL when any byte lies in memory that is not mapped, or outside the layout
 */
static inline const void *
fido_map_ptr(const struct fido_map *map, uint64_t gaddr, uint32_t len)
{
	if (__builtin_expect((gaddr & (FIDO_GRANULE_SIZE - 1)) + len > FIDO_GRANULE_SIZE, 0))
		return fido_map_ptr_across(map, gaddr, len);
	/* An address below base wraps to a huge granule. */
	if (__builtin_expect(!fido_map_granule_test(map, (gaddr - map->base) >> FIDO_GRANULE_SHIFT),
		    0))
		return NULL;
	return (const void *)(uintptr_t)gaddr;
}

#ifdef __cplusplus
}
#endif

#endif
