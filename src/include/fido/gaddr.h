/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_GADDR_H
#define FIDO_GADDR_H

/**
 * @file
 * The pseudo-global address space, and the one place where a peer's address becomes a pointer.
 *
 * A gaddr (global address) is a 64-bit address that means the same byte in every domain of a group.
 * The group's layout places it: `slots` slots of `1 << slot_shift` bytes from `base`, one slot per
 * domain generation. Each domain maps a peer's memory read-only at its gaddr, so a gaddr that
 * passes the check below IS the pointer.
 *
 *   base                  base + slot size          base + 2 * slot size
 *    | control | regions... | control | regions...    | ...
 *    +-- slot 0 ------------+-- slot 1 ---------------+
 *
 * Invariants:
 * I1. A 1 in fido_map.granules means that all 2 MiB of that granule can be read without a
 *     fault. Parts that the peer did not export read as zeros.
 * I2. The 1 is stored after the mapping is made, the 0 before the mapping is removed.
 * I3. No value written by a peer is used as an address except through fido_map_ptr().
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <fido/atomic.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Most slots of a group: masks of slots are 64 bits wide. */
#define FIDO_SLOTS_MAX 64
/** Bits of a gaddr in a descriptor. */
#define FIDO_GADDR_BITS 48
/** A granule, the unit in which libfido knows what is mapped: 2 MiB. */
#define FIDO_GRANULE_SHIFT 21
/** Bytes of a granule. */
#define FIDO_GRANULE_SIZE (UINT64_C(1) << FIDO_GRANULE_SHIFT)

/** The default layout: 64 slots of 1 TiB from 0x1100_0000_0000. */
#define FIDO_DEFAULT_BASE UINT64_C(0x110000000000)
/** Slot shift of the default layout. */
#define FIDO_DEFAULT_SLOT_SHIFT 40
/** Slots of the default layout. */
#define FIDO_DEFAULT_SLOTS 64

/** A group's layout: the same in all its domains, checked at join. */
struct fido_layout {
	uint64_t base; /**< first gaddr; a multiple of 2 MiB, not necessarily of the slot size */
	uint32_t slot_shift; /**< log2 of the slot size in bytes */
	uint32_t slots;      /**< number of slots, 2 to FIDO_SLOTS_MAX */
};

/** @return the slot that holds gaddr; >= layout->slots: none does. */
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
 * Which granules of the group's address space this domain can read now, one byte each. Testing a
 * byte takes half the instructions of testing a bit; the table is as sparse as the address space.
 */
struct fido_map {
	uint64_t base;          /**< the layout's base */
	uint64_t granule_count; /**< granules in the whole layout */
	uint8_t *granules;      /**< 1: mapped; the control path writes, the data path reads */
};

/** @return true when granule g, counted from map->base, is mapped. */
static inline bool
fido_map_granule_test(const struct fido_map *map, uint64_t g)
{
	/* A1: pairs with R1 in fido_map_set(). The mapping is made before its byte is seen. */
	return g < map->granule_count && fido_load_acquire(&map->granules[g]) != 0;
}

/** Out-of-line half of fido_map_ptr(), for ranges of several granules. Use fido_map_ptr(). */
const void *fido_map_ptr_across(const struct fido_map *map, uint64_t gaddr, uint32_t len);

/**
 * Check an address that a peer wrote, and turn it into a pointer.
 *
 * Receiver, any thread; does not block. The memory belongs to the domain in whose slot it lies, and
 * stays readable until the descriptor that named it is completed.
 *
 * @param map   what this domain has mapped
 * @param gaddr address of the first byte, unchecked
 * @param len   bytes; 0 is checked as 1
 * @return
 *   - the pointer, readable for len bytes
 *   - NULL: some byte is not mapped, or is outside the layout
 */
static inline const void *
fido_map_ptr(const struct fido_map *map, uint64_t gaddr, uint32_t len)
{
	if (__builtin_expect((gaddr & (FIDO_GRANULE_SIZE - 1)) + len > FIDO_GRANULE_SIZE, 0))
		return fido_map_ptr_across(map, gaddr, len);
	/* An address below base wraps to a huge granule number. */
	if (__builtin_expect(!fido_map_granule_test(map, (gaddr - map->base) >> FIDO_GRANULE_SHIFT),
		    0))
		return NULL;
	return (const void *)(uintptr_t)gaddr;
}

#ifdef __cplusplus
}
#endif

#endif
