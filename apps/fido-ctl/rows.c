/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "rows.h"

/* ---- ends of links ---- */

/* Return the greater or the lesser of the names of the link's two domains. */
static const char *
end_name(const struct ctl_row *row, bool greater)
{
	bool own_is_greater = strcmp(row->domain->name, row->link->peer) > 0;

	return own_is_greater == greater ? row->domain->name : row->link->peer;
}

/* Compare first what both ends of a link have in common. */
static int
by_ends(const void *a, const void *b)
{
	const struct ctl_row *x = a, *y = b;
	int order = strcmp(end_name(x, false), end_name(y, false));

	if (order == 0)
		order = strcmp(end_name(x, true), end_name(y, true));
	if (order == 0)
		order = strcmp(x->link->name, y->link->name);
	return order != 0 ? order : strcmp(x->domain->name, y->domain->name);
}

int
ctl_rows_of_links(struct ctl_rows *out, const struct ctl_snapshot *s, const char *only)
{
	size_t n = 0;

	*out = (struct ctl_rows){0};
	for (unsigned int i = 0; i < s->domain_count; i++)
		n += s->domains[i].link_count;
	out->row = calloc(n + 1, sizeof(*out->row));
	if (out->row == NULL)
		return -ENOMEM;
	for (unsigned int i = 0; i < s->domain_count; i++) {
		const struct ctl_domain *d = &s->domains[i];

		for (unsigned int k = 0; k < d->link_count; k++) {
			struct ctl_row row = {.domain = d, .link = &d->links[k]};

			if (only == NULL || strcmp(d->name, only) == 0 ||
				strcmp(row.link->peer, only) == 0)
				out->row[out->count++] = row;
		}
	}
	qsort(out->row, out->count, sizeof(*out->row), by_ends);
	return 0;
}

/* ---- queues ---- */

static size_t
queues_of(const struct ctl_domain *d)
{
	size_t n = 0;

	for (unsigned int i = 0; i < d->link_count; i++)
		n += (size_t)d->links[i].ntx + d->links[i].nrx;
	return n;
}

/* Return the same link of the same domain generation in the earlier snapshot, or NULL. */
static const struct ctl_link *
find_link(const struct ctl_domain *before, const struct ctl_domain *d, const struct ctl_link *link)
{
	if (before == NULL || before->generation != d->generation)
		return NULL;
	for (unsigned int i = 0; i < before->link_count; i++) {
		const struct ctl_link *l = &before->links[i];

		if (l->index == link->index && strcmp(l->peer, link->peer) == 0 &&
			strcmp(l->name, link->name) == 0)
			return l;
	}
	return NULL;
}

static const struct ctl_queue *
find_queue(const struct ctl_link *link, const struct ctl_queue *q)
{
	if (link == NULL || q->index >= (q->tx ? link->ntx : link->nrx))
		return NULL;
	return &link->queues[q->tx ? q->index : link->ntx + q->index];
}

static void
rate(struct ctl_row *row, const struct ctl_queue *before, double seconds)
{
	const struct ctl_queue *now = row->queue;

	if (before == NULL || !before->readable || !now->readable || seconds <= 0)
		return;
	/* A decrease: the link was created again, or the domain publishes garbage. */
	for (unsigned int i = 0; i < CTL_COUNTERS; i++)
		if (now->counter[i] < before->counter[i])
			return;
	for (unsigned int i = 0; i < CTL_COUNTERS; i++)
		row->per_second[i] = (double)(now->counter[i] - before->counter[i]) / seconds;
	row->rated = true;
}

static void
add_queues(struct ctl_rows *out, const struct ctl_domain *before, const struct ctl_domain *d)
{
	double seconds = before != NULL ? (double)(d->read_ns - before->read_ns) / 1e9 : 0;

	for (unsigned int i = 0; i < d->link_count; i++) {
		const struct ctl_link *link = &d->links[i];
		const struct ctl_link *old = find_link(before, d, link);

		for (uint32_t k = 0; k < (uint32_t)link->ntx + link->nrx; k++) {
			const struct ctl_queue *q = &link->queues[k];
			struct ctl_row row = {.domain = d, .link = link, .queue = q};

			rate(&row, find_queue(old, q), seconds);
			out->row[out->count++] = row;
		}
	}
}

int
ctl_rows_of_queues(struct ctl_rows *out, const struct ctl_snapshot *before,
	const struct ctl_snapshot *now, const char *only)
{
	size_t n = 0;

	*out = (struct ctl_rows){0};
	for (unsigned int i = 0; i < now->domain_count; i++)
		n += queues_of(&now->domains[i]);
	out->row = calloc(n + 1, sizeof(*out->row));
	if (out->row == NULL)
		return -ENOMEM;
	for (unsigned int i = 0; i < now->domain_count; i++) {
		const struct ctl_domain *d = &now->domains[i], *old = NULL;

		if (only != NULL && strcmp(d->name, only) != 0)
			continue;
		if (before != NULL)
			old = ctl_snapshot_find(before, d->name);
		add_queues(out, old, d);
	}
	return 0;
}

/* Index of a counter that queues of both directions have. */
#define BOTH(q, field)                                           \
	((q)->tx ? offsetof(struct fido_tx_stats_shm, field) / 8 \
		 : offsetof(struct fido_rx_stats_shm, field) / 8)

/* Arguments of by_value(): qsort() passes none. */
static enum ctl_sort sort_by;
static bool sort_reverse;

static double
sort_value(const struct ctl_row *row)
{
	const struct ctl_queue *q = row->queue;
	uint64_t kept;

	switch (sort_by) {
	case CTL_SORT_PACKETS:
		return row->per_second[CTL_PACKETS];
	case CTL_SORT_BITS:
		return row->per_second[CTL_BYTES];
	case CTL_SORT_COPIED:
		return row->per_second[BOTH(q, copied)];
	case CTL_SORT_KEPT:
		return ctl_queue_kept(q, &kept) ? (double)kept : 0;
	case CTL_SORT_DOORBELLS:
		return row->per_second[BOTH(q, doorbells)];
	case CTL_SORT_TOTAL:
		return (double)q->counter[CTL_PACKETS];
	default:
		return 0;
	}
}

static int
by_name(const struct ctl_row *x, const struct ctl_row *y)
{
	int order = strcmp(x->domain->name, y->domain->name);

	if (order == 0)
		order = (int)x->link->index - (int)y->link->index;
	if (order == 0)
		order = (int)y->queue->tx - (int)x->queue->tx;
	return order != 0 ? order : (int)x->queue->index - (int)y->queue->index;
}

static int
by_value(const void *a, const void *b)
{
	double x = sort_value(a), y = sort_value(b);
	int order = x < y ? 1 : x > y ? -1 : 0;

	if (order != 0)
		return sort_reverse ? -order : order;
	/* Equal rows keep one order, so that lines do not jump. */
	order = by_name(a, b);
	return sort_by == CTL_SORT_NAME && sort_reverse ? -order : order;
}

void
ctl_rows_sort(struct ctl_rows *rows, enum ctl_sort sort, bool reverse)
{
	sort_by = sort;
	sort_reverse = reverse;
	qsort(rows->row, rows->count, sizeof(*rows->row), by_value);
}

const char *
ctl_sort_name(enum ctl_sort sort)
{
	static const char *const names[CTL_SORTS] = {"packets", "bits", "copied", "kept",
		"doorbells", "total", "name"};

	return names[sort];
}

void
ctl_rows_free(struct ctl_rows *rows)
{
	free(rows->row);
	*rows = (struct ctl_rows){0};
}
