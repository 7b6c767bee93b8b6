/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "table.h"
#include "text.h"
#include "units.h"

void
ctl_text_silent(FILE *out, const struct ctl_snapshot *s)
{
	for (unsigned int i = 0; i < s->domain_count; i++) {
		const struct ctl_domain *d = &s->domains[i];

		if (d->state != CTL_ALIVE)
			fprintf(out, "%s: %s\n", d->name, ctl_state_name(d->state));
	}
}

/* ---- list ---- */

static void
print_layout(FILE *out, const struct ctl_snapshot *s)
{
	for (unsigned int i = 0; i < s->domain_count; i++) {
		const struct ctl_domain *d = &s->domains[i];

		if (!d->known)
			continue;
		fprintf(out, "layout %" PRIu32 ": %" PRIu32 " slots", d->version, d->layout.slots);
		if (d->layout.slot_shift < 64)
			fprintf(out, " of %s",
				ctl_unit_bytes(UINT64_C(1) << d->layout.slot_shift).s);
		fprintf(out, " from 0x%" PRIx64 "\n", d->layout.base);
		return;
	}
}

static void
list_domain(struct ctl_table *t, const struct ctl_domain *d)
{
	ctl_table_cell(t, "%s", d->name);
	ctl_table_cell(t, "%s", ctl_state_name(d->state));
	if (!d->known) {
		for (int i = 0; i < 9; i++)
			ctl_table_cell(t, "-");
		return;
	}
	ctl_table_cell(t, "%" PRIu32, d->slot);
	ctl_table_cell(t, "%" PRIu32, d->pid);
	ctl_table_cell(t, "%s", ctl_unit_time(d->uptime_ns / 1000000000u).s);
	ctl_table_cell(t, "%s", ctl_unit_bytes(d->exported).s);
	ctl_table_cell(t, "%s", ctl_unit_bytes(d->arena).s);
	ctl_table_cell(t, "%s of %u", ctl_unit_bytes(d->mapped).s, d->mapped_domains);
	ctl_table_cell(t, "%u", d->link_count);
	ctl_table_cell(t, "%" PRIu32, d->version);
	ctl_table_cell(t, "%" PRIu64, d->generation);
}

static void
print_still(FILE *out, const struct ctl_domain *d)
{
	if (d->still_ns != 0)
		fprintf(out,
			"%s has not moved for %s: its process, or a child with its descriptors, "
			"is alive, so no buffers are recalled from it\n",
			d->name, ctl_unit_time(d->still_ns / 1000000000u).s);
}

int
ctl_text_list(FILE *out, const struct ctl_snapshot *s, const struct ctl_options *opt)
{
	static const struct ctl_head heads[] = {{"DOMAIN", false}, {"STATE", false}, {"SLOT", true},
		{"PID", true}, {"UPTIME", true}, {"EXPORTED", true}, {"ARENA", true},
		{"MAPPED", true}, {"LINKS", true}, {"LAYOUT", true}, {"GENERATION", true},
		{NULL, false}};
	struct ctl_table *t = ctl_table_of(heads);
	int ret;

	if (t == NULL)
		return -ENOMEM;
	for (unsigned int i = 0; i < s->domain_count; i++)
		if (opt->domain == NULL || strcmp(opt->domain, s->domains[i].name) == 0)
			list_domain(t, &s->domains[i]);
	ret = ctl_table_finish(t, out);
	for (unsigned int i = 0; i < s->domain_count; i++)
		if (opt->domain == NULL || strcmp(opt->domain, s->domains[i].name) == 0)
			print_still(out, &s->domains[i]);
	print_layout(out, s);
	return ret;
}

/* ---- links ---- */

static void
cell_pair(struct ctl_table *t, uint32_t a, uint32_t b)
{
	char left[16] = "-", right[16] = "-";

	if (a != 0)
		snprintf(left, sizeof(left), "%" PRIu32, a);
	if (b != 0)
		snprintf(right, sizeof(right), "%" PRIu32, b);
	ctl_table_cell(t, "%s/%s", left, right);
}

static void
list_link(struct ctl_table *t, const struct ctl_row *row)
{
	const struct ctl_link *link = row->link;
	uint64_t out, held;
	bool out_known = ctl_link_kept(link, true, &out);
	bool held_known = ctl_link_kept(link, false, &held);

	ctl_table_cell(t, "%s", row->domain->name);
	ctl_table_cell(t, "%s", link->peer);
	ctl_table_cell(t, "%s", link->name);
	ctl_table_cell(t, "%s", ctl_link_state_name(link));
	cell_pair(t, link->ntx, link->nrx);
	cell_pair(t, link->tx_ring_size, link->rx_ring_size);
	ctl_table_cell_if(t, out_known, out);
	ctl_table_cell_if(t, held_known, held);
	ctl_table_cell_if(t, !link->torn, link->stranded);
	ctl_table_cell_if(t, link->peer_generation != 0, link->peer_generation);
}

int
ctl_text_links(FILE *out, const struct ctl_snapshot *s, const struct ctl_options *opt)
{
	static const struct ctl_head heads[] = {{"DOMAIN", false}, {"PEER", false}, {"LINK", false},
		{"STATE", false}, {"TX/RX", true}, {"RING", true}, {"OUT", true}, {"HELD", true},
		{"STRANDED", true}, {"PEER-GENERATION", true}, {NULL, false}};
	struct ctl_table *t = ctl_table_of(heads);
	struct ctl_rows rows = {0};
	int ret = t != NULL ? ctl_rows_of_links(&rows, s, opt->domain) : -ENOMEM;

	if (ret == 0) {
		for (size_t i = 0; i < rows.count; i++)
			list_link(t, &rows.row[i]);
		ret = ctl_table_finish(t, out);
		ctl_text_silent(out, s);
	} else {
		ctl_table_destroy(t);
	}
	ctl_rows_free(&rows);
	return ret;
}

/* ---- stats ---- */

static void
cell_counter(struct ctl_table *t, const struct ctl_row *row, unsigned int index, bool rates)
{
	double per_second = row->per_second[index];
	uint64_t total = row->queue->counter[index];

	if (rates ? !row->rated : !row->queue->readable)
		ctl_table_cell(t, "-");
	else if (rates && index == CTL_PACKETS)
		ctl_table_cell(t, "%s", ctl_unit_rate(per_second, "pps").s);
	else if (rates && index == CTL_BYTES)
		ctl_table_cell(t, "%s", ctl_unit_rate(per_second * 8, "bit/s").s);
	else if (rates)
		ctl_table_cell(t, "%s", ctl_unit_rate(per_second, "/s").s);
	else if (index == CTL_BYTES)
		ctl_table_cell(t, "%s", ctl_unit_bytes(total).s);
	else
		ctl_table_cell(t, "%" PRIu64, total);
}

static void
list_queue(struct ctl_table *t, const struct ctl_row *row, bool rates)
{
	const struct ctl_counter *c = row->queue->tx ? ctl_tx_counters : ctl_rx_counters;
	uint64_t kept;
	bool known = ctl_queue_kept(row->queue, &kept);

	ctl_table_cell(t, "%s", row->domain->name);
	ctl_table_cell(t, "%s", row->link->peer);
	ctl_table_cell(t, "%s", row->link->name);
	ctl_table_cell(t, "%s%u", row->queue->tx ? "tx" : "rx", row->queue->index);
	for (; c->name != NULL; c++)
		if (c->head != NULL)
			cell_counter(t, row, c->index, rates);
	ctl_table_cell_if(t, known, kept);
}

/* Print all queues of one direction. */
static int
print_direction(FILE *out, const struct ctl_rows *rows, bool tx, bool rates)
{
	static const struct ctl_head heads[] = {{"DOMAIN", false}, {"PEER", false}, {"LINK", false},
		{"QUEUE", false}, {NULL, false}};
	const struct ctl_counter *c = tx ? ctl_tx_counters : ctl_rx_counters;
	struct ctl_table *t = ctl_table_of(heads);

	if (t == NULL)
		return -ENOMEM;
	for (; c->name != NULL; c++)
		if (c->head != NULL)
			ctl_table_column(t, c->head, true);
	ctl_table_column(t, tx ? "OUT" : "HELD", true);
	for (size_t i = 0; i < rows->count; i++)
		if (rows->row[i].queue->tx == tx)
			list_queue(t, &rows->row[i], rates);
	return ctl_table_finish(t, out);
}

int
ctl_text_stats(FILE *out, const struct ctl_snapshot *before, const struct ctl_snapshot *now,
	const struct ctl_options *opt)
{
	struct ctl_rows rows;
	int ret = ctl_rows_of_queues(&rows, before, now, opt->domain);

	if (ret == 0 && before != NULL)
		fprintf(out, "over %.2f s:\n", ctl_snapshot_seconds(before, now));
	if (ret == 0)
		ret = print_direction(out, &rows, true, before != NULL);
	if (ret == 0) {
		fputc('\n', out);
		ret = print_direction(out, &rows, false, before != NULL);
	}
	if (ret == 0)
		ctl_text_silent(out, now);
	ctl_rows_free(&rows);
	return ret;
}

/* ---- top ---- */

/* Fill a cell with a counter's share of the packets in the interval, in percent. */
static void
cell_share(struct ctl_table *t, const struct ctl_row *row, unsigned int index)
{
	double all = row->per_second[CTL_PACKETS];

	if (row->rated && all > 0)
		ctl_table_cell(t, "%.0f%%", 100 * row->per_second[index] / all);
	else
		ctl_table_cell(t, "-");
}

/* Index of a counter that queues of both directions have. */
#define BOTH(q, field)                                           \
	((q)->tx ? offsetof(struct fido_tx_stats_shm, field) / 8 \
		 : offsetof(struct fido_rx_stats_shm, field) / 8)

static void
top_queue(struct ctl_table *t, const struct ctl_row *row)
{
	const struct ctl_queue *q = row->queue;
	uint64_t kept;
	bool known = ctl_queue_kept(q, &kept);

	ctl_table_cell(t, "%s", row->domain->name);
	ctl_table_cell(t, "%s%u", q->tx ? "tx" : "rx", q->index);
	ctl_table_cell(t, "%s %s", q->tx ? "to" : "from", row->link->peer);
	ctl_table_cell(t, "%s", row->link->name);
	cell_counter(t, row, CTL_PACKETS, true);
	cell_counter(t, row, CTL_BYTES, true);
	cell_share(t, row, BOTH(q, copied));
	ctl_table_cell_if(t, known, kept);
	ctl_table_cell_if(t, q->ring_size != 0, q->ring_size);
	cell_counter(t, row, BOTH(q, doorbells), true);
	cell_counter(t, row, CTL_PACKETS, false);
}

int
ctl_text_top(FILE *out, const struct ctl_snapshot *before, const struct ctl_snapshot *now,
	const struct ctl_options *opt, const struct ctl_view *view, size_t *count)
{
	static const struct ctl_head heads[] = {{"DOMAIN", false}, {"QUEUE", false},
		{"PEER", false}, {"LINK", false}, {"PACKETS", true}, {"BITS", true},
		{"COPIED", true}, {"KEPT", true}, {"RING", true}, {"DOORBELLS", true},
		{"TOTAL", true}, {NULL, false}};
	struct ctl_table *t = ctl_table_of(heads);
	struct ctl_rows rows = {0};
	int ret = t != NULL ? ctl_rows_of_queues(&rows, before, now, opt->domain) : -ENOMEM;

	if (ret == 0) {
		*count = rows.count;
		ctl_rows_sort(&rows, view->sort, view->reverse);
		for (size_t i = view->first; i < rows.count; i++)
			top_queue(t, &rows.row[i]);
		fprintf(out, "group %s: %u domain%s, %zu queues", opt->group, now->domain_count,
			now->domain_count == 1 ? "" : "s", rows.count);
		if (before != NULL)
			fprintf(out, ", over %.2f s", ctl_snapshot_seconds(before, now));
		fputc('\n', out);
		ctl_text_silent(out, now);
		ret = ctl_table_finish(t, out);
	} else {
		ctl_table_destroy(t);
	}
	ctl_rows_free(&rows);
	return ret;
}
