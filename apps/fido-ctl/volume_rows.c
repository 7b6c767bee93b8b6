/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "volume_rows.h"

/* Return the same volume in the earlier snapshot, or NULL. */
static const struct ctl_volume *
find_volume(const struct ctl_domain *before, const struct ctl_volume *volume)
{
	for (uint32_t i = 0; before != NULL && i < before->volumes.volume_count; i++) {
		const struct ctl_volume *v = &before->volumes.volumes[i];

		if (strcmp(v->name, volume->name) == 0 && v->identity == volume->identity)
			return v;
	}
	return NULL;
}

static const struct ctl_client_queue *
find_queue(const struct ctl_domain *before, const struct ctl_client_queue *queue)
{
	for (uint32_t i = 0; before != NULL && i < before->volumes.queue_count; i++) {
		const struct ctl_client_queue *q = &before->volumes.queues[i];

		if (q->place == queue->place && q->volume == queue->volume &&
			q->queue == queue->queue && strcmp(q->client, queue->client) == 0)
			return q;
	}
	return NULL;
}

static void
rate(struct ctl_volume_row *row, const uint64_t *before, double seconds)
{
	double per_second[CTL_COUNTERS] = {0};

	if (before == NULL || seconds <= 0)
		return;
	for (unsigned int i = 0; i < CTL_COUNTERS; i++) {
		if (i == CTL_BLK_COUNTER(in_flight))
			continue;
		/* A decrease: another queue uses its entry, or the domain publishes garbage. */
		if (row->counter[i] < before[i])
			return;
		per_second[i] = (double)(row->counter[i] - before[i]) / seconds;
	}
	memcpy(row->per_second, per_second, sizeof(per_second));
	row->requests_per_second =
		(double)(ctl_volumes_requests(row->counter) - ctl_volumes_requests(before)) /
		seconds;
	row->rated = true;
}

static void
add_volume(struct ctl_volume_rows *out, const struct ctl_domain *before, const struct ctl_domain *d,
	uint32_t volume)
{
	struct ctl_volume_row *row = &out->row[out->count++];
	const struct ctl_volume *old;

	row->domain = d;
	row->volume = &d->volumes.volumes[volume];
	row->counter = row->volume->counter;
	old = find_volume(before, row->volume);
	rate(row, old != NULL ? old->counter : NULL,
		before != NULL ? (double)(d->read_ns - before->read_ns) / 1e9 : 0);
}

static void
add_queues(struct ctl_volume_rows *out, const struct ctl_domain *before, const struct ctl_domain *d,
	uint32_t volume)
{
	for (uint32_t i = 0; i < d->volumes.queue_count; i++) {
		const struct ctl_client_queue *q = &d->volumes.queues[i], *old;
		struct ctl_volume_row *row = &out->row[out->count];

		if (q->volume != volume)
			continue;
		out->count++;
		row->domain = d;
		row->volume = &d->volumes.volumes[volume];
		row->queue = q;
		row->counter = q->counter;
		old = find_queue(before, q);
		rate(row, old != NULL ? old->counter : NULL,
			before != NULL ? (double)(d->read_ns - before->read_ns) / 1e9 : 0);
	}
}

int
ctl_volume_rows_of(struct ctl_volume_rows *out, const struct ctl_snapshot *before,
	const struct ctl_snapshot *now, const char *only, bool queues)
{
	size_t n = 0;

	*out = (struct ctl_volume_rows){0};
	for (unsigned int i = 0; i < now->domain_count; i++)
		n += queues ? now->domains[i].volumes.queue_count
			    : now->domains[i].volumes.volume_count;
	out->row = calloc(n + 1, sizeof(*out->row));
	if (out->row == NULL)
		return -ENOMEM;
	for (unsigned int i = 0; i < now->domain_count; i++) {
		const struct ctl_domain *d = &now->domains[i], *old = NULL;

		if (only != NULL && strcmp(d->name, only) != 0)
			continue;
		if (before != NULL)
			old = ctl_snapshot_find(before, d->name);
		if (old != NULL && old->generation != d->generation)
			old = NULL;
		for (uint32_t v = 0; v < d->volumes.volume_count; v++)
			if (queues)
				add_queues(out, old, d, v);
			else
				add_volume(out, old, d, v);
	}
	return 0;
}

void
ctl_volume_rows_free(struct ctl_volume_rows *rows)
{
	free(rows->row);
	*rows = (struct ctl_volume_rows){0};
}
