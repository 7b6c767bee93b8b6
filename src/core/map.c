/* SPDX-License-Identifier: BSD-3-Clause */
/* Map slots into this process, and keep the table of what can be read. */

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <fido/domain.h>

#include "extents.h"
#include "map.h"
#include "sigbus.h"

#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000
#endif

/* A slot whose address range is reserved in this process. */
struct slot {
	struct slot *next;
	uint64_t base;
	uint64_t size;
	uint64_t generation;
	unsigned int refs;
	struct fido_extents extents; /* what is mapped; the tag counts the mappings */
};

/* The address range of a group that has domains in this process. */
struct claim {
	struct claim *next;
	struct fido_layout layout;
	char group[FIDO_NAME_MAX];
	unsigned int refs;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct slot *slots;
static struct claim *claims;

uint8_t *
fido_granule_table(uint64_t n)
{
	void *table = mmap(NULL, n, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return table != MAP_FAILED ? table : NULL;
}

int
fido_map_init(struct fido_map *map, const struct fido_layout *layout)
{
	uint64_t top;

	if (layout->slots < 2 || layout->slots > FIDO_SLOTS_MAX || layout->slot_shift < 24 ||
		layout->slot_shift > 42 || layout->base % FIDO_GRANULE_SIZE != 0 ||
		layout->base == 0)
		return -EINVAL;
	top = layout->base + ((uint64_t)layout->slots << layout->slot_shift);
	if (top < layout->base || top > UINT64_C(1) << 47)
		return -EINVAL;
	map->base = layout->base;
	map->granule_count = (top - layout->base) >> FIDO_GRANULE_SHIFT;
	map->granules = fido_granule_table(map->granule_count);
	return map->granules != NULL ? 0 : -ENOMEM;
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

	/* An address below base makes off huge, which the first test rejects. */
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
		if (strcmp(c->group, group) != 0 ||
			memcmp(&c->layout, layout, sizeof(*layout)) != 0)
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

/* Map the whole slot PROT_NONE, so that no other mapping of the process is placed there. */
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
		fido_extents_free(&s->extents);
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

/* I1: first put zeros into a granule that the extent covers in part, if nothing is mapped in it. */
static int
fill_partial(const struct slot *s, uint64_t gaddr, uint64_t len)
{
	uint64_t first = gaddr & ~(FIDO_GRANULE_SIZE - 1);
	uint64_t last = (gaddr + len - 1) & ~(FIDO_GRANULE_SIZE - 1);
	int ret = 0;

	if (first != gaddr && fido_extents_bytes(&s->extents, first, FIDO_GRANULE_SIZE) == 0)
		ret = zero_fill(first, FIDO_GRANULE_SIZE);
	if (ret == 0 && (gaddr + len) % FIDO_GRANULE_SIZE != 0 &&
		(last != first || first == gaddr) &&
		fido_extents_bytes(&s->extents, last, FIDO_GRANULE_SIZE) == 0)
		ret = zero_fill(last, FIDO_GRANULE_SIZE);
	return ret;
}

int
fido_map_fd(void *arg, void *addr, size_t len)
{
	const struct fido_fd_map *m = arg;
	void *p = mmap(addr, len, m->prot, MAP_SHARED | MAP_FIXED, m->fd, (off_t)m->offset);

	return p == MAP_FAILED ? -errno : 0;
}

/*
 * Record in e which file is mapped, as a hash, and at which offset, to recognize the same pages
 * later. No descriptor is kept. For memory that is not a file's (e.fd < 0) nothing is recorded.
 * @return 0, -errno
 */
static int
identify(struct fido_extent *e, fido_map_fn fn, const void *arg)
{
	const struct fido_fd_map *m = arg;
	struct stat st;
	uint64_t file;

	if (fn != fido_map_fd)
		return 0;
	if (fstat(m->fd, &st) != 0)
		return -errno;
	file = (st.st_ino ^ (uint64_t)st.st_dev << 32) * UINT64_C(0x9e3779b97f4a7c15);
	e->fd = (int)(file >> 33);
	e->fd_offset = m->offset;
	return 0;
}

/*
 * Pages that are not a file's, granted by another Xen domain, are taken to be the same pages: an
 * owner in this process maps its own file, and places no other memory at an address while any
 * domain of this process has the old memory mapped there (fido_slot_taken()).
 * @return true: all that is mapped from item i on is e, or may be
 */
static bool
is_same(const struct fido_extents *set, size_t i, const struct fido_extent *e)
{
	for (; fido_extents_within(set, i, e->gaddr, e->len); i++) {
		const struct fido_extent *have = &set->items[i].extent;

		if (have->fd < 0 || e->fd < 0)
			continue;
		if (have->fd != e->fd || have->fd_offset != e->fd_offset + (have->gaddr - e->gaddr))
			return false;
	}
	return true;
}

static int
slot_map_locked(struct slot *s, uint64_t gaddr, uint64_t len, fido_map_fn fn, void *arg)
{
	struct fido_extent e = {.gaddr = gaddr, .len = len, .fd = -1};
	struct fido_extents *set;
	uint64_t mapped;
	int ret;

	if (s == NULL || len == 0 || len > s->size || gaddr - s->base > s->size - len)
		return -EINVAL;
	set = &s->extents;
	ret = fido_extents_reserve(set, gaddr, len);
	if (ret == 0)
		ret = identify(&e, fn, arg);
	if (ret != 0)
		return ret;
	mapped = fido_extents_bytes(set, gaddr, len);
	if (mapped == len) {
		/* There is room: the ends are granule borders, or were cut when it was mapped. */
		size_t i = fido_extents_align(set, gaddr, len);

		if (!is_same(set, i, &e))
			return -EBUSY;
		for (; fido_extents_within(set, i, gaddr, len); i++)
			set->items[i].tag++;
		return 0;
	}
	if (mapped != 0)
		return -EBUSY;
	ret = fill_partial(s, gaddr, len);
	if (ret == 0)
		ret = fn(arg, (void *)(uintptr_t)gaddr, len);
	if (ret == 0)
		fido_extents_add(set, &e, 1);
	return ret;
}

uint64_t
fido_slot_taken(uint64_t gaddr, uint64_t len)
{
	uint64_t end = 0;
	struct slot *s;

	pthread_mutex_lock(&lock);
	s = slot_find(gaddr);
	if (s != NULL) {
		size_t i = fido_extents_find(&s->extents, gaddr);

		if (i < s->extents.count && s->extents.items[i].extent.gaddr < gaddr + len)
			end = s->extents.items[i].extent.gaddr + s->extents.items[i].extent.len;
	}
	pthread_mutex_unlock(&lock);
	return end;
}

int
fido_slot_map(const struct fido_layout *layout, uint64_t gaddr, uint64_t len, fido_map_fn fn,
	void *arg)
{
	int ret;

	if (fido_layout_slot(layout, gaddr) >= layout->slots)
		return -EINVAL;
	pthread_mutex_lock(&lock);
	ret = slot_map_locked(slot_find(gaddr), gaddr, len, fn, arg);
	pthread_mutex_unlock(&lock);
	return ret;
}

/* If zeros cannot be mapped (vm.max_map_count), the pages stay until others are mapped over them.
 * Until then no granule byte lets a descriptor name them. */
static void
slot_unmap_locked(struct slot *s, uint64_t gaddr, uint64_t len)
{
	struct fido_extents *set = &s->extents;
	size_t i = fido_extents_align(set, gaddr, len);

	while (fido_extents_within(set, i, gaddr, len)) {
		const struct fido_extent *e = &set->items[i].extent;

		if (--set->items[i].tag != 0) {
			i++;
			continue;
		}
		zero_fill(e->gaddr, e->len);
		fido_extents_remove(set, i);
	}
}

void
fido_slot_unmap(const struct fido_layout *layout, uint64_t gaddr, uint64_t len)
{
	struct slot *s;

	(void)layout;
	pthread_mutex_lock(&lock);
	s = slot_find(gaddr);
	if (s != NULL && len != 0)
		slot_unmap_locked(s, gaddr, len);
	pthread_mutex_unlock(&lock);
}
