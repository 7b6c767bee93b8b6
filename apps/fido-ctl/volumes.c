/* SPDX-License-Identifier: BSD-3-Clause */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "volumes.h"

/* Accept a table that changes during so many attempts to read it. */
#define TRIES 8

/* Pointers to a domain's tables. */
struct tables {
	const struct fido_blk_shm *head;
	uint32_t volume_count;
	uint32_t queue_count;
	const struct fido_blk_volume_shm *volumes;
	const struct fido_blk_queue_shm *queues;
};

static const void *
words_at(const struct fido_observation *o, uint64_t gaddr, uint64_t size)
{
	const void *p = fido_observation_ptr(o, gaddr, size);

	return (uintptr_t)p % sizeof(uint64_t) == 0 ? p : NULL;
}

/* @return false: the domain has no tables, or (*bad) they are inconsistent */
static bool
find_tables(const struct fido_observation *o, struct tables *t, bool *bad)
{
	uint64_t gaddr = fido_load_acquire(&o->control->table);

	*bad = false;
	if (gaddr == 0 || fido_load_relaxed(&o->control->table_kind) != FIDO_BLK_SHM_MAGIC)
		return false;
	*bad = true;
	t->head = words_at(o, gaddr, sizeof(*t->head));
	if (t->head == NULL || fido_load_relaxed(&t->head->magic) != FIDO_BLK_SHM_MAGIC ||
		fido_load_relaxed(&t->head->version) != FIDO_BLK_SHM_VERSION)
		return false;
	t->volume_count = fido_load_relaxed(&t->head->volume_count);
	t->queue_count = fido_load_relaxed(&t->head->queue_count);
	if (t->volume_count > CTL_VOLUMES_MAX || t->queue_count > CTL_CLIENT_QUEUES_MAX)
		return false;
	t->volumes = words_at(o, fido_load_relaxed(&t->head->volumes),
		t->volume_count * sizeof(*t->volumes));
	t->queues = words_at(o, fido_load_relaxed(&t->head->queues),
		t->queue_count * sizeof(*t->queues));
	*bad = (t->volumes == NULL && t->volume_count != 0) ||
		(t->queues == NULL && t->queue_count != 0);
	return !*bad;
}

/* ---- one volume, one queue ---- */

static bool
name_char(char c)
{
	return isalnum((unsigned char)c) || c == '_' || c == '.' || c == '-';
}

static bool
text_char(char c)
{
	return c >= ' ' && c <= '~';
}

/* Read each character once: the domain may change it after the check. */
static void
copy_text(char *out, const char *in, size_t size, bool (*good)(char))
{
	size_t i;

	for (i = 0; i < size - 1; i++) {
		char c = fido_load_relaxed(&in[i]);

		if (c == '\0')
			break;
		out[i] = good(c) ? c : '?';
	}
	memset(out + i, 0, size - i);
}

/* Read backwards: `returned` before `lent`, so that their difference is never negative. */
static void
copy_counters(uint64_t *out, const struct fido_blk_counters_shm *shm)
{
	const uint64_t *in = (const uint64_t *)(const void *)shm;

	_Static_assert(CTL_BLK_COUNTER(returned) > CTL_BLK_COUNTER(lent), "read before it");
	for (unsigned int i = CTL_COUNTERS; i-- > 0;)
		out[i] = fido_load_acquire(&in[i]);
}

static void
read_volume(struct ctl_volume *v, const struct fido_blk_volume_shm *shm)
{
	copy_text(v->name, shm->name, sizeof(v->name), name_char);
	copy_text(v->store, shm->store, sizeof(v->store), text_char);
	v->size = fido_load_relaxed(&shm->size);
	v->identity = fido_load_relaxed(&shm->identity);
	v->block_size = fido_load_relaxed(&shm->block_size);
	v->features = fido_load_relaxed(&shm->features);
	v->clients = fido_load_relaxed(&shm->clients);
	v->exclusive = fido_load_relaxed(&shm->exclusive) != 0;
	v->copied = fido_load_relaxed(&shm->copied);
	copy_counters(v->closed, &shm->closed);
	memcpy(v->counter, v->closed, sizeof(v->counter));
}

/* @return false: the entry is unused, or its volume does not exist */
static bool
read_queue(struct ctl_client_queue *q, const struct tables *t, uint32_t place)
{
	const struct fido_blk_queue_shm *shm = &t->queues[place];

	if (fido_load_acquire(&shm->used) != 1)
		return false;
	q->place = place;
	q->volume = fido_load_relaxed(&shm->volume);
	q->queue = fido_load_relaxed(&shm->queue);
	fido_control_name(q->client, shm->client);
	copy_counters(q->counter, &shm->counters);
	return q->volume < t->volume_count;
}

/* ---- tables ---- */

/*
 * Check that no queue was closed during the read. A backend that closes a queue adds its counters
 * to the volume, then removes it from the table.
 * @return false: a queue was closed, and may be counted twice or not at all
 */
static bool
unchanged(const struct ctl_volumes *v, const struct tables *t)
{
	uint32_t next = 0;

	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	for (uint32_t i = 0; i < t->queue_count; i++) {
		bool is_used = fido_load_acquire(&t->queues[i].used) == 1 &&
			fido_load_relaxed(&t->queues[i].volume) < t->volume_count;
		bool was_used = next < v->queue_count && v->queues[next].place == i;

		if (is_used != was_used)
			return false;
		next += was_used;
	}
	for (uint32_t i = 0; i < t->volume_count; i++) {
		uint64_t closed[CTL_COUNTERS];

		copy_counters(closed, &t->volumes[i].closed);
		if (memcmp(closed, v->volumes[i].closed, sizeof(closed)) != 0)
			return false;
	}
	return true;
}

static bool
read_once(struct ctl_volumes *v, const struct tables *t)
{
	v->queue_count = 0;
	for (uint32_t i = 0; i < t->volume_count; i++)
		read_volume(&v->volumes[i], &t->volumes[i]);
	for (uint32_t i = 0; i < t->queue_count; i++)
		v->queue_count += read_queue(&v->queues[v->queue_count], t, i);
	return unchanged(v, t);
}

static int
by_client(const void *a, const void *b)
{
	const struct ctl_client_queue *x = a, *y = b;
	int order = strcmp(x->client, y->client);

	if (x->volume != y->volume)
		return x->volume < y->volume ? -1 : 1;
	if (order == 0 && x->queue != y->queue)
		order = x->queue < y->queue ? -1 : 1;
	return order != 0 ? order : (x->place > y->place) - (x->place < y->place);
}

static void
add_up(struct ctl_volumes *v)
{
	for (uint32_t i = 0; i < v->queue_count; i++) {
		const struct ctl_client_queue *q = &v->queues[i];

		for (unsigned int k = 0; k < CTL_COUNTERS; k++)
			v->volumes[q->volume].counter[k] += q->counter[k];
	}
}

int
ctl_volumes_read(struct ctl_volumes *out, const struct fido_observation *o)
{
	struct tables t = {0};

	*out = (struct ctl_volumes){0};
	if (!find_tables(o, &t, &out->bad))
		return 0;
	out->volumes = calloc(t.volume_count + 1, sizeof(*out->volumes));
	out->queues = calloc(t.queue_count + 1, sizeof(*out->queues));
	if (out->volumes == NULL || out->queues == NULL) {
		ctl_volumes_free(out);
		return -ENOMEM;
	}
	for (int i = 0; i < TRIES && !read_once(out, &t); i++)
		;
	out->volume_count = t.volume_count;
	qsort(out->queues, out->queue_count, sizeof(*out->queues), by_client);
	add_up(out);
	/* A backend that has stopped meanwhile reuses the memory. */
	if (fido_load_relaxed(&t.head->magic) != FIDO_BLK_SHM_MAGIC ||
		fido_load_relaxed(&o->control->table) == 0)
		ctl_volumes_free(out);
	return 0;
}

void
ctl_volumes_free(struct ctl_volumes *v)
{
	free(v->volumes);
	free(v->queues);
	*v = (struct ctl_volumes){0};
}

uint64_t
ctl_volumes_lent_out(const uint64_t counter[CTL_COUNTERS])
{
	uint64_t lent = counter[CTL_BLK_COUNTER(lent)],
		 returned = counter[CTL_BLK_COUNTER(returned)];

	return lent > returned ? lent - returned : 0;
}

uint64_t
ctl_volumes_requests(const uint64_t counter[CTL_COUNTERS])
{
	uint64_t sum = 0;

	for (unsigned int op = 0;
		op < sizeof(((struct fido_blk_counters_shm *)0)->requests) / sizeof(uint64_t); op++)
		sum += counter[CTL_BLK_COUNTER(requests) + op];
	return sum;
}
