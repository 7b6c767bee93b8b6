/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_EXTENTS_H
#define FIDO_EXTENTS_H

/**
 * @file
 * A set of extents that do not overlap, sorted by address: what this process has mapped of a slot,
 * what a domain exports, what a domain has mapped of a peer.
 *
 * Removing memory must never fail: memory left behind would be mistaken for what is mapped there
 * next. So all allocation happens before an extent is added: fido_extents_reserve() makes room for
 * the extent and for every way to cut it at granule borders. Cutting and removing allocate nothing.
 *
 * Invariants:
 *   X1 items[i].extent ends at or before items[i + 1].extent begins.
 *   X2 room >= granules, the sum of the granules that each item touches. A cut at a granule border
 *      keeps the sum, so count <= granules <= room always.
 *
 * The caller locks.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "transport.h"

struct fido_extents_item {
	struct fido_extent extent;
	uint32_t tag; /**< the caller's; both parts of a cut extent keep it */
};

struct fido_extents {
	struct fido_extents_item *items;
	size_t count;    /**< items in use */
	size_t room;     /**< items allocated */
	size_t granules; /**< sum of the granules that each item touches */
};

/** Free the items; the set is empty afterwards. */
void fido_extents_free(struct fido_extents *set);
/**
 * Make room for one more extent, for cutting it at granule borders, and for one cut at either end.
 * @return 0, -ENOMEM (the set is unchanged)
 */
int fido_extents_reserve(struct fido_extents *set, uint64_t gaddr, uint64_t len);
/**
 * As fido_extents_reserve(), but also for all extents of another set, so that moving them here
 * cannot fail.
 */
int fido_extents_reserve_all(struct fido_extents *set, const struct fido_extents *other,
	uint64_t gaddr, uint64_t len);
/**
 * Add an extent of len > 0 that overlaps none. Required: fido_extents_reserve() for it since the
 * last call.
 */
void fido_extents_add(struct fido_extents *set, const struct fido_extent *e, uint32_t tag);
/** @return index of the first item that ends after gaddr; count: none does */
size_t fido_extents_find(const struct fido_extents *set, uint64_t gaddr);
/** @return number of bytes of [gaddr, gaddr + len) that are in the set. */
uint64_t fido_extents_bytes(const struct fido_extents *set, uint64_t gaddr, uint64_t len);
/** @return true: a cut at `at` needs no room: it is a granule border, or no item crosses it. */
bool fido_extents_can_cut(const struct fido_extents *set, uint64_t at);
/**
 * Cut the item that crosses `at`, if any, in two. Required: fido_extents_can_cut(), or a
 * fido_extents_reserve() before.
 */
void fido_extents_cut(struct fido_extents *set, uint64_t at);
/**
 * Cut at both ends of [gaddr, gaddr + len), so that no item crosses them. Required: as for
 * fido_extents_cut().
 * @return index of the first item in the range; fido_extents_within() tells where it ends
 */
size_t fido_extents_align(struct fido_extents *set, uint64_t gaddr, uint64_t len);
/** @return true: item i exists, and begins within [gaddr, gaddr + len) */
bool fido_extents_within(const struct fido_extents *set, size_t i, uint64_t gaddr, uint64_t len);
/** Remove one item. */
void fido_extents_remove(struct fido_extents *set, size_t i);

#endif
