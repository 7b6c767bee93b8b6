/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "table.h"
#include "text.h"
#include "units.h"
#include "volume_rows.h"
#include "volume_text.h"

/* ---- properties of the volumes ---- */

static void
cell_features(struct ctl_table *t, uint32_t features)
{
	char text[64];

	snprintf(text, sizeof(text), "%s%s%s%s%s",
		features & FIDO_BLK_CAN_WRITE ? "write" : "read-only",
		features & FIDO_BLK_CAN_FLUSH ? " flush" : "",
		features & FIDO_BLK_CAN_FUA ? " fua" : "",
		features & FIDO_BLK_CAN_DISCARD ? " discard" : "",
		features & FIDO_BLK_CAN_WRITE_ZEROES ? " zeroes" : "");
	ctl_table_cell(t, "%s", text);
}

static void
list_volume(struct ctl_table *t, const struct ctl_volume_row *row)
{
	const struct ctl_volume *v = row->volume;

	ctl_table_cell(t, "%s", row->domain->name);
	ctl_table_cell(t, "%s", v->name);
	ctl_table_cell(t, "%s", v->store);
	ctl_table_cell(t, "%s", ctl_unit_bytes(v->size).s);
	ctl_table_cell(t, "%" PRIu32, v->block_size);
	cell_features(t, v->features);
	ctl_table_cell(t, "%" PRIu32, v->clients);
	ctl_table_cell(t, "%s", v->exclusive ? "yes" : "no");
	ctl_table_cell(t, "%" PRIu64, v->copied);
}

static int
print_volumes(FILE *out, const struct ctl_volume_rows *rows)
{
	static const struct ctl_head heads[] = {{"DOMAIN", false}, {"VOLUME", false},
		{"STORE", false}, {"SIZE", true}, {"BLOCK", true}, {"CAN", false},
		{"CLIENTS", true}, {"EXCLUSIVE", false}, {"COPIED", true}, {NULL, false}};
	struct ctl_table *t = ctl_table_of(heads);

	if (t == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < rows->count; i++)
		list_volume(t, &rows->row[i]);
	return ctl_table_finish(t, out);
}

/* ---- I/O ---- */

static bool
is_bytes(unsigned int index)
{
	return index == CTL_BLK_COUNTER(read_bytes) || index == CTL_BLK_COUNTER(write_bytes);
}

static void
cell_counter(struct ctl_table *t, const struct ctl_volume_row *row, unsigned int index, bool rates)
{
	if (rates && !row->rated)
		ctl_table_cell(t, "-");
	else if (rates)
		ctl_table_cell(t, "%s",
			ctl_unit_rate(row->per_second[index], is_bytes(index) ? "B/s" : "/s").s);
	else if (is_bytes(index))
		ctl_table_cell(t, "%s", ctl_unit_bytes(row->counter[index]).s);
	else
		ctl_table_cell(t, "%" PRIu64, row->counter[index]);
}

static void
list_work(struct ctl_table *t, const struct ctl_volume_row *row, bool rates)
{
	ctl_table_cell(t, "%s", row->domain->name);
	ctl_table_cell(t, "%s", row->volume->name);
	if (row->queue != NULL) {
		ctl_table_cell(t, "%s", row->queue->client);
		ctl_table_cell(t, "%" PRIu32, row->queue->queue);
	}
	if (!rates)
		ctl_table_cell(t, "%" PRIu64, ctl_volumes_requests(row->counter));
	else if (row->rated)
		ctl_table_cell(t, "%s", ctl_unit_rate(row->requests_per_second, "IOPS").s);
	else
		ctl_table_cell(t, "-");
	for (const struct ctl_counter *c = ctl_blk_counters; c->name != NULL; c++)
		if (c->head != NULL)
			cell_counter(t, row, c->index, rates);
	ctl_table_cell(t, "%" PRIu64, ctl_volumes_lent_out(row->counter));
}

static int
print_work(FILE *out, const struct ctl_volume_rows *rows, bool queues, bool rates)
{
	static const struct ctl_head heads[] = {{"DOMAIN", false}, {"VOLUME", false},
		{NULL, false}};
	struct ctl_table *t = ctl_table_of(heads);

	if (t == NULL)
		return -ENOMEM;
	if (queues) {
		ctl_table_column(t, "CLIENT", false);
		ctl_table_column(t, "QUEUE", true);
	}
	ctl_table_column(t, "REQUESTS", true);
	for (const struct ctl_counter *c = ctl_blk_counters; c->name != NULL; c++)
		if (c->head != NULL)
			ctl_table_column(t, c->head, true);
	ctl_table_column(t, "LENT", true);
	for (size_t i = 0; i < rows->count; i++)
		list_work(t, &rows->row[i], rates);
	return ctl_table_finish(t, out);
}

/* ---- output ---- */

static void
print_bad(FILE *out, const struct ctl_snapshot *s, const struct ctl_options *opt)
{
	for (unsigned int i = 0; i < s->domain_count; i++)
		if (s->domains[i].volumes.bad &&
			(opt->domain == NULL || strcmp(opt->domain, s->domains[i].name) == 0))
			fprintf(out, "%s: its table of volumes is inconsistent\n",
				s->domains[i].name);
}

int
ctl_text_volumes(FILE *out, const struct ctl_snapshot *before, const struct ctl_snapshot *now,
	const struct ctl_options *opt)
{
	struct ctl_volume_rows volumes = {0}, queues = {0};
	bool rates = before != NULL;
	int ret = ctl_volume_rows_of(&volumes, before, now, opt->domain, false);

	if (ret == 0)
		ret = ctl_volume_rows_of(&queues, before, now, opt->domain, true);
	if (ret == 0 && rates)
		fprintf(out, "over %.2f s:\n", ctl_snapshot_seconds(before, now));
	if (ret == 0 && !rates) {
		ret = print_volumes(out, &volumes);
		fputc('\n', out);
	}
	if (ret == 0)
		ret = print_work(out, &volumes, false, rates);
	if (ret == 0) {
		fputc('\n', out);
		ret = print_work(out, &queues, true, rates);
	}
	if (ret == 0) {
		print_bad(out, now, opt);
		ctl_text_silent(out, now);
	}
	ctl_volume_rows_free(&volumes);
	ctl_volume_rows_free(&queues);
	return ret;
}
