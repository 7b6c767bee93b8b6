/* SPDX-License-Identifier: BSD-3-Clause */
#include "lends.h"

void
perf_lends_keep(struct perf_lends *lends, struct perf_slot *slot)
{
	slot->next = NULL;
	if (lends->last != NULL)
		lends->last->next = slot;
	else
		lends->first = slot;
	lends->last = slot;
	lends->count++;
}

struct perf_slot *
perf_lends_find(const struct perf_lends *lends, enum perf_lend state)
{
	struct perf_slot *slot = lends->first;

	while (slot != NULL && slot->lend != state)
		slot = slot->next;
	return slot;
}

void
perf_lends_remove(struct perf_lends *lends, struct perf_slot *slot)
{
	struct perf_slot *before = NULL;

	for (struct perf_slot *s = lends->first; s != slot; s = s->next)
		before = s;
	if (before != NULL)
		before->next = slot->next;
	else
		lends->first = slot->next;
	if (lends->last == slot)
		lends->last = before;
	slot->next = NULL;
	lends->count--;
}

struct perf_slot *
perf_lends_take(struct perf_lends *lends, uint32_t skip)
{
	struct perf_slot *found = NULL;

	for (struct perf_slot *s = lends->first; s != NULL && (skip != 0 || found == NULL);
		s = s->next) {
		if (s->lend == PERF_LEND_PLAIN)
			found = s;
		if (skip != 0)
			skip--;
	}
	if (found != NULL)
		perf_lends_remove(lends, found);
	return found;
}
