/* SPDX-License-Identifier: BSD-3-Clause */
/* Sorted sets of extents. */

#include "extents.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <fido/gaddr.h>

#define ROOM_MIN 16

static uint64_t
end_of(const struct fido_extent *e)
{
	return e->gaddr + e->len;
}

/* @return number of granules that [gaddr, gaddr + len) touches */
static size_t
touched(uint64_t gaddr, uint64_t len)
{
	return (size_t)(((gaddr + len - 1) >> FIDO_GRANULE_SHIFT) - (gaddr >> FIDO_GRANULE_SHIFT) +
		1);
}

void
fido_extents_free(struct fido_extents *set)
{
	free(set->items);
	*set = (struct fido_extents){0};
}

static int
grow(struct fido_extents *set, size_t need)
{
	size_t room = set->room != 0 ? set->room : ROOM_MIN;
	struct fido_extents_item *items;

	if (need <= set->room)
		return 0;
	while (room < need)
		room *= 2;
	items = realloc(set->items, room * sizeof(*items));
	if (items == NULL)
		return -ENOMEM;
	set->items = items;
	set->room = room;
	return 0;
}

int
fido_extents_reserve(struct fido_extents *set, uint64_t gaddr, uint64_t len)
{
	/* A cut within a granule adds one to the sum: 2 for a cut at either end. */
	return grow(set, set->granules + touched(gaddr, len) + 2);
}

int
fido_extents_reserve_all(struct fido_extents *set, const struct fido_extents *other, uint64_t gaddr,
	uint64_t len)
{
	return grow(set, set->granules + other->granules + touched(gaddr, len) + 2);
}

size_t
fido_extents_find(const struct fido_extents *set, uint64_t gaddr)
{
	size_t low = 0, high = set->count;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (end_of(&set->items[mid].extent) > gaddr)
			high = mid;
		else
			low = mid + 1;
	}
	return low;
}

static void
insert(struct fido_extents *set, size_t i, const struct fido_extent *e, uint32_t tag)
{
	set->granules += touched(e->gaddr, e->len);
	/* X2: the caller has reserved room. */
	assert(set->granules <= set->room);
	memmove(&set->items[i + 1], &set->items[i], (set->count - i) * sizeof(set->items[0]));
	set->items[i] = (struct fido_extents_item){*e, tag};
	set->count++;
}

void
fido_extents_add(struct fido_extents *set, const struct fido_extent *e, uint32_t tag)
{
	insert(set, fido_extents_find(set, e->gaddr), e, tag);
}

uint64_t
fido_extents_bytes(const struct fido_extents *set, uint64_t gaddr, uint64_t len)
{
	uint64_t bytes = 0;

	for (size_t i = fido_extents_find(set, gaddr); i < set->count; i++) {
		const struct fido_extent *e = &set->items[i].extent;
		uint64_t from = e->gaddr > gaddr ? e->gaddr : gaddr;
		uint64_t to = end_of(e) < gaddr + len ? end_of(e) : gaddr + len;

		if (from >= to)
			break;
		bytes += to - from;
	}
	return bytes;
}

/* @return the item that contains `at`, not at its start; NULL: none */
static struct fido_extents_item *
crossing(const struct fido_extents *set, uint64_t at)
{
	size_t i = fido_extents_find(set, at);

	return i < set->count && set->items[i].extent.gaddr < at ? &set->items[i] : NULL;
}

bool
fido_extents_can_cut(const struct fido_extents *set, uint64_t at)
{
	return at % FIDO_GRANULE_SIZE == 0 || crossing(set, at) == NULL;
}

void
fido_extents_cut(struct fido_extents *set, uint64_t at)
{
	struct fido_extents_item *left = crossing(set, at);
	struct fido_extent right;

	if (left == NULL)
		return;
	assert(at % FIDO_GRANULE_SIZE == 0 || set->granules < set->room);
	right = left->extent;
	right.gaddr = at;
	right.len = end_of(&left->extent) - at;
	right.fd_offset += at - left->extent.gaddr;
	right.place += at - left->extent.gaddr;
	set->granules -= touched(left->extent.gaddr, left->extent.len);
	left->extent.len = at - left->extent.gaddr;
	set->granules += touched(left->extent.gaddr, left->extent.len);
	insert(set, (size_t)(left - set->items) + 1, &right, left->tag);
}

size_t
fido_extents_align(struct fido_extents *set, uint64_t gaddr, uint64_t len)
{
	fido_extents_cut(set, gaddr);
	fido_extents_cut(set, gaddr + len);
	return fido_extents_find(set, gaddr);
}

bool
fido_extents_within(const struct fido_extents *set, size_t i, uint64_t gaddr, uint64_t len)
{
	return i < set->count && set->items[i].extent.gaddr - gaddr < len;
}

void
fido_extents_remove(struct fido_extents *set, size_t i)
{
	set->granules -= touched(set->items[i].extent.gaddr, set->items[i].extent.len);
	set->count--;
	memmove(&set->items[i], &set->items[i + 1], (set->count - i) * sizeof(set->items[0]));
}
