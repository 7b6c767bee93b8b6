/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A buddy allocator over an arena. Its state is kept outside of the arena: peers read the arena,
 * and free memory should stay out of the cache.
 */

#include "buffers.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include <fido/region.h>

#define ORDERS 9
#define NOBODY UINT32_MAX

static_assert(BLK_BUFFER_MIN << (ORDERS - 1) == BLK_BUFFER_MAX, "orders");
/* The memory consists of whole largest pieces. */
static_assert(FIDO_GRANULE_SIZE % BLK_BUFFER_MAX == 0, "granules");

enum page_state {
	PAGE_INSIDE, /* not the first page of a piece */
	PAGE_FREE,   /* first page of a free piece */
	PAGE_USED,   /* first page of a piece in use */
};

/* A page of BLK_BUFFER_MIN bytes. Only the first page of a piece has valid fields. */
struct page {
	uint32_t next; /* free list of an order: number of a piece's first page, or NOBODY */
	uint32_t prev;
	uint8_t state;
	uint8_t order;
};

struct blk_buffers {
	struct fido_region *region; /* NULL: the caller owns the memory */
	char *base;
	size_t size;
	size_t used;
	uint32_t orders; /* bit n: free[n] is not empty */
	uint32_t free[ORDERS];
	struct page pages[];
};

static void
blk_buffers_put(struct blk_buffers *b, uint32_t page, unsigned int order)
{
	struct page *p = &b->pages[page];

	*p = (struct page){.next = b->free[order],
		.prev = NOBODY,
		.state = PAGE_FREE,
		.order = (uint8_t)order};
	if (p->next != NOBODY)
		b->pages[p->next].prev = page;
	b->free[order] = page;
	b->orders |= 1u << order;
}

static void
blk_buffers_take(struct blk_buffers *b, uint32_t page)
{
	struct page *p = &b->pages[page];

	if (p->next != NOBODY)
		b->pages[p->next].prev = p->prev;
	if (p->prev != NOBODY)
		b->pages[p->prev].next = p->next;
	else
		b->free[p->order] = p->next;
	if (b->free[p->order] == NOBODY)
		b->orders &= ~(1u << p->order);
	p->state = PAGE_INSIDE;
}

static unsigned int
blk_buffers_order(size_t len)
{
	unsigned int order = 0;

	while (((size_t)BLK_BUFFER_MIN << order) < len)
		order++;
	return order;
}

int
blk_buffers_over(struct blk_buffers **out, void *base, size_t size)
{
	struct blk_buffers *b = calloc(1, sizeof(*b) + size / BLK_BUFFER_MIN * sizeof(b->pages[0]));

	if (b == NULL)
		return -ENOMEM;
	b->base = base;
	b->size = size;
	for (unsigned int i = 0; i < ORDERS; i++)
		b->free[i] = NOBODY;
	/* Backwards: the first piece is allocated first. */
	for (size_t at = b->size; at != 0; at -= BLK_BUFFER_MAX)
		blk_buffers_put(b, (uint32_t)((at - BLK_BUFFER_MAX) / BLK_BUFFER_MIN), ORDERS - 1);
	*out = b;
	return 0;
}

int
blk_buffers_create(struct blk_buffers **out, struct fido_domain *domain, size_t size)
{
	struct fido_region *region;
	int ret = fido_arena_create(domain, size, &region);

	if (ret != 0)
		return ret;
	ret = blk_buffers_over(out, (void *)region->va, region->len);
	if (ret != 0)
		fido_region_destroy(region);
	else
		(*out)->region = region;
	return ret;
}

void
blk_buffers_destroy(struct blk_buffers *b)
{
	if (b == NULL)
		return;
	fido_region_destroy(b->region);
	free(b);
}

void *
blk_buffers_alloc(struct blk_buffers *b, size_t len)
{
	unsigned int order = blk_buffers_order(len), from;
	uint32_t enough = b->orders & ~0u << order, page;

	assert(len != 0 && len <= BLK_BUFFER_MAX);
	if (enough == 0)
		return NULL;
	/* Split the smallest piece that fits: large ones stay whole as long as possible. */
	from = (unsigned int)__builtin_ctz(enough);
	page = b->free[from];
	blk_buffers_take(b, page);
	for (; from > order; from--)
		blk_buffers_put(b, page + (1u << (from - 1)), from - 1);
	b->pages[page].state = PAGE_USED;
	b->pages[page].order = (uint8_t)order;
	b->used += (size_t)BLK_BUFFER_MIN << order;
	return b->base + (size_t)page * BLK_BUFFER_MIN;
}

void
blk_buffers_free(struct blk_buffers *b, void *piece)
{
	uint32_t page = (uint32_t)((size_t)((char *)piece - b->base) / BLK_BUFFER_MIN);
	unsigned int order = b->pages[page].order;

	assert(b->pages[page].state == PAGE_USED &&
		b->base + (size_t)page * BLK_BUFFER_MIN == piece);
	b->used -= (size_t)BLK_BUFFER_MIN << order;
	b->pages[page].state = PAGE_INSIDE;
	for (; order < ORDERS - 1; order++) {
		uint32_t buddy = page ^ 1u << order;

		if (b->pages[buddy].state != PAGE_FREE || b->pages[buddy].order != order)
			break;
		blk_buffers_take(b, buddy);
		page &= ~(1u << order);
	}
	blk_buffers_put(b, page, order);
}

void *
blk_buffers_base(const struct blk_buffers *b)
{
	return b->base;
}

size_t
blk_buffers_size(const struct blk_buffers *b)
{
	return b->size;
}

size_t
blk_buffers_used(const struct blk_buffers *b)
{
	return b->used;
}
