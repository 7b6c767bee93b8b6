/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_MAP_H
#define FIDO_MAP_H

/**
 * @file
 * Mapping slots of the group's address space into this process.
 *
 * The address space is the process's, so several domains of one process share what is mapped: a slot is
 * reserved once, an extent is mapped once, both counted. What is taken away is replaced by zeros, never
 * by a hole, so that a late reader gets zeros and not a fault (I1 of <fido/gaddr.h>).
 *
 * Locking: own mutex; may be called with a domain's lock held.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <fido/gaddr.h>

/** @return n bytes rounded up to whole granules */
static inline uint64_t
fido_granules_up(uint64_t n)
{
	return (n + FIDO_GRANULE_SIZE - 1) & ~(FIDO_GRANULE_SIZE - 1);
}

/** @return zeros, a byte for each of n granules, as sparse as they are: munmap() frees them; NULL: no memory */
uint8_t *fido_granule_table(uint64_t n);

/** Does the mapping itself at addr, over a reservation. @return 0 or -errno */
typedef int (*fido_map_fn)(void *arg, void *addr, size_t len);

/** Map a descriptor's pages at a fixed address. A fido_map_fn; arg is a struct fido_fd_map. */
struct fido_fd_map {
	int fd;
	uint64_t offset;
	int prot;
};
int fido_map_fd(void *arg, void *addr, size_t len);

/** Make the table of what is mapped, all clear. @return 0, -EINVAL (layout), -ENOMEM */
int fido_map_init(struct fido_map *map, const struct fido_layout *layout);
void fido_map_fini(struct fido_map *map);
/** Mark all granules that [gaddr, gaddr + len) touches as readable / not readable. */
void fido_map_set(struct fido_map *map, uint64_t gaddr, uint64_t len);
void fido_map_clear(struct fido_map *map, uint64_t gaddr, uint64_t len);

/**
 * Claim a group's address range for this process, and guard it (sigbus.h); counted.
 * @return 0, -EBUSY: it overlaps that of another group of this process, -ENOSPC: too many groups, -ENOMEM
 */
int fido_layout_claim(const struct fido_layout *layout, const char *group);
/** Undo one fido_layout_claim(). */
void fido_layout_release(const struct fido_layout *layout);

/**
 * Reserve a slot's address range for one generation of its owner; counted.
 * @return 0, -EBUSY: the range is in use in this process by another generation, group or mapping
 */
int fido_slot_reserve(const struct fido_layout *layout, uint32_t slot, uint64_t generation);
/** Undo one fido_slot_reserve(); the last one unmaps the whole slot. */
void fido_slot_release(const struct fido_layout *layout, uint32_t slot);

/**
 * Map an extent of a reserved slot; counted, so fn is not called for what is mapped already. Granules that
 * it covers in part are filled with zeros.
 * @return 0, -EINVAL (not in the slot), -EBUSY (a part of it is mapped, or other pages of a file are: another domain of
 *         this process has not unmapped what its owner took away), -ENOMEM, what fn returned
 */
int fido_slot_map(const struct fido_layout *layout, uint64_t gaddr, uint64_t len, fido_map_fn fn,
	void *arg);
/** @return the end of the first that is mapped in [gaddr, gaddr + len) by any domain of this process, or 0. */
uint64_t fido_slot_taken(uint64_t gaddr, uint64_t len);
/**
 * Undo one fido_slot_map(), or a part of it that ends at granule borders; the last one puts zeros there. It cannot
 * fail: what it needs was allocated when the extent was mapped (extents.h).
 */
void fido_slot_unmap(const struct fido_layout *layout, uint64_t gaddr, uint64_t len);

#endif
