/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_MAP_H
#define FIDO_MAP_H

/**
 * @file
 * Map slots of the group's address space into this process.
 *
 * An address space belongs to a process, so the domains of one process share mappings: a slot is
 * reserved once and an extent mapped once, and both are counted. Unmapped memory is replaced by
 * zeros, never by a hole, so that a late reader gets zeros and not a fault (I1 of <fido/gaddr.h>).
 *
 * Locking: own mutex; a domain's lock may be held.
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

/**
 * Allocate a zeroed table of one byte per granule; untouched pages take no memory.
 * @param n granules
 * @return the table, which munmap() of n bytes frees; NULL: no memory
 */
uint8_t *fido_granule_table(uint64_t n);

/** Map len bytes at addr, over a reservation. @return 0, -errno */
typedef int (*fido_map_fn)(void *arg, void *addr, size_t len);

/** Argument of fido_map_fd(). */
struct fido_fd_map {
	int fd;
	uint64_t offset; /**< in the file, in bytes */
	int prot;        /**< PROT_READ, PROT_WRITE */
};
/** A fido_map_fn that maps pages of a file. @param arg a struct fido_fd_map */
int fido_map_fd(void *arg, void *addr, size_t len);

/**
 * Check the layout, and create an empty table of mapped granules.
 * @return 0, -EINVAL (layout), -ENOMEM
 * @see fido_map_fini
 */
int fido_map_init(struct fido_map *map, const struct fido_layout *layout);
void fido_map_fini(struct fido_map *map);
/** Mark all granules that [gaddr, gaddr + len) touches as readable, or as not readable. */
void fido_map_set(struct fido_map *map, uint64_t gaddr, uint64_t len);
void fido_map_clear(struct fido_map *map, uint64_t gaddr, uint64_t len);

/**
 * Claim a group's address range for this process, and guard it (sigbus.h); counted.
 * @return 0, -EBUSY (it overlaps the range of another group of this process), -ENOSPC (too many
 *         groups), -ENOMEM
 * @see fido_layout_release
 */
int fido_layout_claim(const struct fido_layout *layout, const char *group);
/** Undo one fido_layout_claim(). */
void fido_layout_release(const struct fido_layout *layout);

/**
 * Reserve a slot's address range for one generation of its owner; counted.
 * @return 0, -EBUSY (another generation, group or mapping of this process uses the range), -ENOMEM
 * @see fido_slot_release
 */
int fido_slot_reserve(const struct fido_layout *layout, uint32_t slot, uint64_t generation);
/** Undo one fido_slot_reserve(); the last one unmaps the whole slot. */
void fido_slot_release(const struct fido_layout *layout, uint32_t slot);

/**
 * Map an extent of a reserved slot; counted: fn is not called if the extent is mapped already. The
 * rest of granules that it covers in part is filled with zeros.
 * @param fn maps the pages, called with arg
 * @return
 *   - 0
 *   - -EINVAL: not in the slot
 *   - -EBUSY: a part of it is mapped, or other pages are: another domain of this process has not
 *     yet unmapped pages that the owner withdrew
 *   - -ENOMEM, or what fn returned
 * @see fido_slot_unmap
 */
int fido_slot_map(const struct fido_layout *layout, uint64_t gaddr, uint64_t len, fido_map_fn fn,
	void *arg);
/**
 * @return the end of the first extent that a domain of this process has mapped in
 *         [gaddr, gaddr + len); 0: none
 */
uint64_t fido_slot_taken(uint64_t gaddr, uint64_t len);
/**
 * Undo one fido_slot_map(), or a part of it that ends at granule borders. The last one maps zeros
 * there. It cannot fail: all it needs was allocated when the extent was mapped (extents.h).
 */
void fido_slot_unmap(const struct fido_layout *layout, uint64_t gaddr, uint64_t len);

#endif
