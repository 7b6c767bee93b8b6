/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_EXTENTS_H
#define FIDO_EXTENTS_H

/**
 * @file
 * A set of extents that do not overlap, sorted by address: what this process has mapped of a slot, what a domain
 * exports, what it has mapped of a peer.
 *
 * Taking memory away must never fail: what stays behind would be believed to be what comes to lie there next. So all
 * allocation is done before an extent is added: fido_extents_reserve() makes room for the extent and for every way of
 * cutting it at granule borders. Cutting and removing allocate nothing.
 *
 * Invariants:
 *   X1 items[i].extent ends at or before items[i + 1].extent begins.
 *   X2 room >= granules, the sum of the granules that each item touches. A cut at a granule border keeps the sum, so
 *      count <= granules <= room always.
 *
 * No lock of its own: the user's.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "transport.h"

struct fido_extents_item {
	struct fido_extent extent;
	uint32_t tag; /**< the user's; both parts of an extent that is cut keep it */
};

struct fido_extents {
	struct fido_extents_item *items;
	size_t count;
	size_t room;
	size_t granules;
};

void fido_extents_free(struct fido_extents *set);
/**
 * Make room for one extent more, and for cutting it, and one cut at either end of it.
 * @return 0, -ENOMEM: nothing has changed
 */
int fido_extents_reserve(struct fido_extents *set, uint64_t gaddr, uint64_t len);
/** The same for one extent more, and all that are in another set: so that they can be moved here without a failure. */
int fido_extents_reserve_all(struct fido_extents *set, const struct fido_extents *other,
	uint64_t gaddr, uint64_t len);
/** Add an extent, of len > 0, that overlaps none. Required: fido_extents_reserve() for it since the last one was added. */
void fido_extents_add(struct fido_extents *set, const struct fido_extent *e, uint32_t tag);
/** @return index of the first item that ends after gaddr; count: there is none */
size_t fido_extents_find(const struct fido_extents *set, uint64_t gaddr);
/** @return bytes of [gaddr, gaddr + len) that are in the set. */
uint64_t fido_extents_bytes(const struct fido_extents *set, uint64_t gaddr, uint64_t len);
/** @return true when no item crosses `at`, or `at` is a granule border: a cut there allocates nothing. */
bool fido_extents_can_cut(const struct fido_extents *set, uint64_t at);
/**
 * Cut the item that crosses `at`, if there is one, in two. Required: fido_extents_can_cut(), or a
 * fido_extents_reserve() before.
 */
void fido_extents_cut(struct fido_extents *set, uint64_t at);
/**
 * Cut at both ends of [gaddr, gaddr + len), so that no item crosses them. Required: as for fido_extents_cut().
 * @return index of the first item in the range: those that fido_extents_within() says follow
 */
size_t fido_extents_align(struct fido_extents *set, uint64_t gaddr, uint64_t len);
/** @return true when there is an item i, and it begins within [gaddr, gaddr + len) */
bool fido_extents_within(const struct fido_extents *set, size_t i, uint64_t gaddr, uint64_t len);
/** Remove one item. */
void fido_extents_remove(struct fido_extents *set, size_t i);

#endif
