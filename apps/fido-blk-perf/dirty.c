/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>

#include <fido/atomic.h>

#include "dirty.h"

int
perf_dirty_create(struct perf_dirty *dirty, struct perf_state *state)
{
	dirty->state = state;
	dirty->words = (state->count + 63) / 64;
	dirty->bits = calloc(dirty->words, sizeof(dirty->bits[0]));
	return dirty->bits == NULL ? -ENOMEM : 0;
}

void
perf_dirty_destroy(struct perf_dirty *dirty)
{
	free(dirty->bits);
	dirty->bits = NULL;
}

void
perf_dirty_mark(struct perf_dirty *dirty, uint64_t i)
{
	/* D1: pairs with D2. The version is acknowledged before the bit is seen. */
	__atomic_fetch_or(&dirty->bits[i / 64], UINT64_C(1) << (i % 64), __ATOMIC_RELEASE);
}

static int
make_room(struct perf_dirty_set *set, size_t more)
{
	struct perf_dirty_entry *entries;
	size_t room = set->room == 0 ? 256 : set->room;

	while (room < set->count + more)
		room *= 2;
	if (room == set->room)
		return 0;
	entries = realloc(set->entries, room * sizeof(entries[0]));
	if (entries == NULL)
		return -ENOMEM;
	set->entries = entries;
	set->room = room;
	return 0;
}

int
perf_dirty_take(struct perf_dirty *dirty, struct perf_dirty_set *set)
{
	set->count = 0;
	for (size_t w = 0; w < dirty->words; w++) {
		uint64_t bits;

		if (fido_load_relaxed(&dirty->bits[w]) == 0)
			continue;
		if (make_room(set, 64) != 0) {
			perf_dirty_put_back(dirty, set);
			return -ENOMEM;
		}
		/* D2: pairs with D1. */
		bits = __atomic_exchange_n(&dirty->bits[w], 0, __ATOMIC_ACQUIRE);
		for (; bits != 0; bits &= bits - 1) {
			uint64_t i = w * 64 + (uint64_t)__builtin_ctzll(bits);

			set->entries[set->count++] = (struct perf_dirty_entry){
				.block = i,
				.version = perf_state_acknowledged(dirty->state, i),
			};
		}
	}
	return 0;
}

void
perf_dirty_flushed(struct perf_dirty *dirty, struct perf_dirty_set *set)
{
	for (size_t i = 0; i < set->count; i++)
		perf_state_flush(dirty->state, set->entries[i].block, set->entries[i].version);
	set->count = 0;
}

void
perf_dirty_put_back(struct perf_dirty *dirty, struct perf_dirty_set *set)
{
	for (size_t i = 0; i < set->count; i++)
		perf_dirty_mark(dirty, set->entries[i].block);
	set->count = 0;
}

void
perf_dirty_set_free(struct perf_dirty_set *set)
{
	free(set->entries);
	*set = (struct perf_dirty_set){0};
}
