/* SPDX-License-Identifier: BSD-3-Clause */
/* Mapping slots into this process, and the table of what can be read. */

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <fido/domain.h>

#include "map.h"
#include "sigbus.h"

#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000
#endif

struct extent {
	uint64_t gaddr;
	uint64_t len;
	unsigned int refs;
};

/* A slot that is reserved in this process. */
struct slot {
	struct slot *next;
	uint64_t base;
	uint64_t size;
	uint64_t generation;
	unsigned int refs;
	struct extent *extents;
	size_t count;
	size_t room;
};

/* A group that has domains in this process. */
struct claim {
	struct claim *next;
	struct fido_layout layout;
	char group[FIDO_NAME_MAX];
	unsigned int refs;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct slot *slots;
static struct claim *claims;

int
fido_map_init(struct fido_map *map, const struct fido_layout *layout)
{
	uint64_t top;
	void *table;

	if (layout->slots < 2 || layout->slots > FIDO_SLOTS_MAX || layout->slot_shift < 24 ||
			layout->slot_shift > 42 || layout->base % FIDO_GRANULE_SIZE != 0 || layout->base == 0)
		return -EINVAL;
	top = layout->base + ((uint64_t)layout->slots << layout->slot_shift);
	if (top < layout->base || top > UINT64_C(1) << 47)
		return -EINVAL;
	map->base = layout->base;
	map->granule_count = (top - layout->base) >> FIDO_GRANULE_SHIFT;
	table = mmap(NULL, map->granule_count, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (table == MAP_FAILED)
		return -ENOMEM;
	map->granules = table;
	return 0;
}

void
fido_map_fini(struct fido_map *map)
{
	if (map->granules != NULL)
		munmap(map->granules, map->granule_count);
	map->granules = NULL;
}

const void *
fido_map_ptr_across(const struct fido_map *map, uint64_t gaddr, uint32_t len)
{
	uint64_t off = gaddr - map->base;
	uint64_t last = (off + len - (len != 0)) >> FIDO_GRANULE_SHIFT;

	/* Of an address below base off is huge, and the first granule says no. */
	for (uint64_t g = off >> FIDO_GRANULE_SHIFT; fido_map_granule_test(map, g); g++)
		if (g == last)
			return (const void *)(uintptr_t)gaddr;
	return NULL;
}

void
fido_map_set(struct fido_map *map, uint64_t gaddr, uint64_t len)
{
	uint64_t g = (gaddr - map->base) >> FIDO_GRANULE_SHIFT;
	uint64_t last = (gaddr + len - 1 - map->base) >> FIDO_GRANULE_SHIFT;

	/* R1: pairs with A1. The mapping is made before its byte is seen. */
	for (; g <= last; g++)
		__atomic_store_n(&map->granules[g], 1, __ATOMIC_RELEASE);
}

void
fido_map_clear(struct fido_map *map, uint64_t gaddr, uint64_t len)
{
	uint64_t g = (gaddr - map->base) >> FIDO_GRANULE_SHIFT;
	uint64_t last = (gaddr + len - 1 - map->base) >> FIDO_GRANULE_SHIFT;

	for (; g <= last; g++)
		__atomic_store_n(&map->granules[g], 0, __ATOMIC_SEQ_CST);
}

static bool
layouts_overlap(const struct fido_layout *a, const struct fido_layout *b)
{
	return a->base < b->base + ((uint64_t)b->slots << b->slot_shift) &&
	       b->base < a->base + ((uint64_t)a->slots << a->slot_shift);
}

static int
claim_locked(const struct fido_layout *layout, const char *group)
{
	struct claim *c;
	int ret;

	for (c = claims; c != NULL; c = c->next) {
		if (!layouts_overlap(&c->layout, layout))
			continue;
		if (strcmp(c->group, group) != 0 || memcmp(&c->layout, layout, sizeof(*layout)) != 0)
			return -EBUSY;
		c->refs++;
		return 0;
	}
	c = calloc(1, sizeof(*c));
	if (c == NULL)
		return -ENOMEM;
	ret = fido_sigbus_guard(layout->base, (size_t)layout->slots << layout->slot_shift);
	if (ret != 0) {
		free(c);
		return ret;
	}
	c->layout = *layout;
	snprintf(c->group, sizeof(c->group), "%s", group);
	c->refs = 1;
	c->next = claims;
	claims = c;
	return 0;
}

int
fido_layout_claim(const struct fido_layout *layout, const char *group)
{
	int ret;

	pthread_mutex_lock(&lock);
	ret = claim_locked(layout, group);
	pthread_mutex_unlock(&lock);
	return ret;
}

void
fido_layout_release(const struct fido_layout *layout)
{
	struct claim **p, *c;

	pthread_mutex_lock(&lock);
	for (p = &claims; (c = *p) != NULL && c->layout.base != layout->base; p = &c->next)
		;
	if (c != NULL && --c->refs == 0) {
		*p = c->next;
		fido_sigbus_unguard(layout->base);
		free(c);
	}
	pthread_mutex_unlock(&lock);
}

static struct slot *
slot_find(uint64_t gaddr)
{
	for (struct slot *s = slots; s != NULL; s = s->next)
		if (gaddr - s->base < s->size)
			return s;
	return NULL;
}

/* PROT_NONE for the whole slot: nothing else of the process can come to lie there. */
static int
slot_create(const struct fido_layout *layout, uint64_t base, uint64_t generation)
{
	uint64_t size = UINT64_C(1) << layout->slot_shift;
	struct slot *s = calloc(1, sizeof(*s));
	void *p;

	if (s == NULL)
		return -ENOMEM;
	p = mmap((void *)(uintptr_t)base, size, PROT_NONE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);
	if (p != (void *)(uintptr_t)base) {
		int err = p == MAP_FAILED ? errno : EEXIST;

		if (p != MAP_FAILED)
			munmap(p, size);
		free(s);
		return err == EEXIST ? -EBUSY : -err;
	}
	madvise(p, size, MADV_DONTDUMP);
	s->base = base;
	s->size = size;
	s->generation = generation;
	s->refs = 1;
	s->next = slots;
	slots = s;
	return 0;
}

int
fido_slot_reserve(const struct fido_layout *layout, uint32_t slot, uint64_t generation)
{
	uint64_t base = fido_layout_slot_base(layout, slot);
	struct slot *s;
	int ret = 0;

	pthread_mutex_lock(&lock);
	s = slot_find(base);
	if (s == NULL)
		ret = slot_create(layout, base, generation);
	else if (s->base != base || s->size != UINT64_C(1) << layout->slot_shift ||
			s->generation != generation)
		ret = -EBUSY;
	else
		s->refs++;
	pthread_mutex_unlock(&lock);
	return ret;
}

void
fido_slot_release(const struct fido_layout *layout, uint32_t slot)
{
	uint64_t base = fido_layout_slot_base(layout, slot);
	struct slot **p, *s;

	pthread_mutex_lock(&lock);
	for (p = &slots; (s = *p) != NULL && s->base != base; p = &s->next)
		;
	if (s != NULL && --s->refs == 0) {
		*p = s->next;
		munmap((void *)(uintptr_t)s->base, s->size);
		free(s->extents);
		free(s);
	}
	pthread_mutex_unlock(&lock);
}

static int
zero_fill(uint64_t gaddr, uint64_t len)
{
	void *p = mmap((void *)(uintptr_t)gaddr, len, PROT_READ,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);

	return p == MAP_FAILED ? -errno : 0;
}

/* @return true when some extent touches [gaddr, gaddr + len). */
static bool
overlaps(const struct slot *s, uint64_t gaddr, uint64_t len)
{
	for (size_t i = 0; i < s->count; i++)
		if (s->extents[i].gaddr < gaddr + len && gaddr < s->extents[i].gaddr + s->extents[i].len)
			return true;
	return false;
}

/* I1: a granule that the extent covers in part, and that holds nothing yet, is zeros first. */
static int
fill_partial(const struct slot *s, uint64_t gaddr, uint64_t len)
{
	uint64_t first = gaddr & ~(FIDO_GRANULE_SIZE - 1);
	uint64_t last = (gaddr + len - 1) & ~(FIDO_GRANULE_SIZE - 1);
	int ret = 0;

	if (first != gaddr && !overlaps(s, first, FIDO_GRANULE_SIZE))
		ret = zero_fill(first, FIDO_GRANULE_SIZE);
	if (ret == 0 && (gaddr + len) % FIDO_GRANULE_SIZE != 0 && (last != first || first == gaddr) &&
			!overlaps(s, last, FIDO_GRANULE_SIZE))
		ret = zero_fill(last, FIDO_GRANULE_SIZE);
	return ret;
}

static int
extent_add(struct slot *s, uint64_t gaddr, uint64_t len, unsigned int refs)
{
	if (s->count == s->room) {
		size_t room = s->room != 0 ? s->room * 2 : 16;
		struct extent *e = realloc(s->extents, room * sizeof(*e));

		if (e == NULL)
			return -ENOMEM;
		s->extents = e;
		s->room = room;
	}
	s->extents[s->count++] = (struct extent){gaddr, len, refs};
	return 0;
}

/* Cut the extent that `at` lies within in two. @return 0, -ENOMEM */
static int
extent_split(struct slot *s, uint64_t at)
{
	for (size_t i = 0; i < s->count; i++) {
		struct extent *e = &s->extents[i];
		uint64_t left = at - e->gaddr;
		int ret;

		if (at <= e->gaddr || left >= e->len)
			continue;
		ret = extent_add(s, at, e->len - left, e->refs);
		if (ret == 0)
			s->extents[i].len = left;
		return ret;
	}
	return 0;
}

/* Cut so that no extent crosses a border of the range. @return bytes of it that are mapped, or -ENOMEM */
static int64_t
extents_align(struct slot *s, uint64_t gaddr, uint64_t len)
{
	uint64_t mapped = 0;

	if (extent_split(s, gaddr) != 0 || extent_split(s, gaddr + len) != 0)
		return -ENOMEM;
	for (size_t i = 0; i < s->count; i++)
		if (s->extents[i].gaddr - gaddr < len)
			mapped += s->extents[i].len;
	return (int64_t)mapped;
}

static int
slot_map_locked(struct slot *s, uint64_t gaddr, uint64_t len, fido_map_fn fn, void *arg)
{
	int64_t mapped;
	int ret;

	if (s == NULL || len == 0 || len > s->size || gaddr - s->base > s->size - len)
		return -EINVAL;
	mapped = extents_align(s, gaddr, len);
	if (mapped < 0)
		return (int)mapped;
	if ((uint64_t)mapped == len) {
		for (size_t i = 0; i < s->count; i++)
			s->extents[i].refs += s->extents[i].gaddr - gaddr < len;
		return 0;
	}
	if (mapped != 0)
		return -EBUSY;
	ret = fill_partial(s, gaddr, len);
	if (ret == 0)
		ret = extent_add(s, gaddr, len, 1);
	if (ret != 0)
		return ret;
	ret = fn(arg, (void *)(uintptr_t)gaddr, len);
	if (ret != 0)
		s->count--;
	return ret;
}

int
fido_slot_map(const struct fido_layout *layout, uint64_t gaddr, uint64_t len, fido_map_fn fn, void *arg)
{
	int ret;

	if (fido_layout_slot(layout, gaddr) >= layout->slots)
		return -EINVAL;
	pthread_mutex_lock(&lock);
	ret = slot_map_locked(slot_find(gaddr), gaddr, len, fn, arg);
	pthread_mutex_unlock(&lock);
	return ret;
}

void
fido_slot_unmap(const struct fido_layout *layout, uint64_t gaddr, uint64_t len)
{
	struct slot *s;

	(void)layout;
	pthread_mutex_lock(&lock);
	s = slot_find(gaddr);
	if (s != NULL && extents_align(s, gaddr, len) > 0)
		for (size_t i = 0; i < s->count;) {
			struct extent *e = &s->extents[i];

			if (e->gaddr - gaddr >= len || --e->refs != 0) {
				i++;
				continue;
			}
			zero_fill(e->gaddr, e->len);
			*e = s->extents[--s->count];
		}
	pthread_mutex_unlock(&lock);
}
