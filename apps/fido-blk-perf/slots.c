/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>

#include "slots.h"

#define ALIGNMENT 4096u

/* Reads that are lent need no memory of ours. */
static bool
needs_memory(const struct perf_options *opt)
{
	return opt->copy || opt->read_percent != 100 || opt->verify;
}

static int
create_memory(struct perf_slots *s, const struct perf_options *opt, struct fido_domain *domain)
{
	size_t size = s->slot_size * s->count;
	int ret;

	if (opt->memory != PERF_MALLOC) {
		ret = fido_arena_create(domain, size, &s->arena);
		if (ret != 0)
			return ret;
	}
	if (opt->memory != PERF_ARENA) {
		s->heap = aligned_alloc(ALIGNMENT, size);
		if (s->heap == NULL)
			return -ENOMEM;
	}
	for (uint32_t i = 0; i < s->count; i++) {
		bool in_arena = s->heap == NULL || (s->arena != NULL && i % 2 == 0);
		uint8_t *base = in_arena ? (uint8_t *)s->arena->va : s->heap;

		s->slots[i].memory = base + i * s->slot_size;
	}
	return 0;
}

static int
create_slot(struct perf_slot *slot, const struct perf_options *opt)
{
	size_t blocks = opt->verify ? opt->bs_max / opt->verify_block : 0;

	slot->iov = calloc(opt->segments, sizeof(slot->iov[0]));
	slot->versions = calloc(blocks + 1, sizeof(slot->versions[0]));
	slot->sums = calloc(blocks + 1, sizeof(slot->sums[0]));
	return slot->iov == NULL || slot->versions == NULL || slot->sums == NULL ? -ENOMEM : 0;
}

int
perf_slots_create(struct perf_slots *s, const struct perf_options *opt, struct fido_domain *domain)
{
	int ret = 0;

	*s = (struct perf_slots){
		.count = opt->depth,
		.segments = opt->segments,
		.slot_size = (opt->bs_max + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT,
		.slots = calloc(opt->depth, sizeof(s->slots[0])),
	};
	if (s->slots == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < s->count && ret == 0; i++)
		ret = create_slot(&s->slots[i], opt);
	if (ret == 0 && needs_memory(opt))
		ret = create_memory(s, opt, domain);
	if (ret != 0) {
		perf_slots_destroy(s);
		return ret;
	}
	for (uint32_t i = s->count; i-- > 0;)
		perf_slots_give(s, &s->slots[i]);
	return 0;
}

void
perf_slots_destroy(struct perf_slots *s)
{
	for (uint32_t i = 0; s->slots != NULL && i < s->count; i++) {
		free(s->slots[i].iov);
		free(s->slots[i].versions);
		free(s->slots[i].sums);
		perf_dirty_set_free(&s->slots[i].flushed);
	}
	fido_region_destroy(s->arena);
	free(s->heap);
	free(s->slots);
	*s = (struct perf_slots){0};
}

struct perf_slot *
perf_slots_take(struct perf_slots *s)
{
	struct perf_slot *slot = s->free;

	if (slot == NULL)
		return NULL;
	s->free = slot->next;
	slot->request = (struct fido_blk_request){.cookie = slot};
	slot->lent = NULL;
	slot->block_count = 0;
	slot->overwrites = NULL;
	slot->lend = PERF_LEND_PLAIN;
	slot->next = NULL;
	return slot;
}

void
perf_slots_give(struct perf_slots *s, struct perf_slot *slot)
{
	slot->next = s->free;
	s->free = slot;
}

/*
 * The pieces stand in the memory in reverse, so that neighbours are never one piece in disguise.
 * Their lengths are what comes of it, odd ones too: memory may begin anywhere.
 */
void
perf_slots_set_iov(const struct perf_slots *s, struct perf_slot *slot, size_t length)
{
	size_t piece = length / s->segments, end = length;

	for (uint32_t i = 0; i < s->segments; i++) {
		size_t len = i + 1 < s->segments ? piece : end;

		end -= len;
		slot->iov[i] = (struct iovec){.iov_base = slot->memory + end, .iov_len = len};
	}
	slot->request.iov = slot->iov;
	slot->request.iovcnt = s->segments;
}
