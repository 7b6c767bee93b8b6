/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <string.h>

#include "volume_json.h"
#include "volume_rows.h"
#include "writer.h"

static void
add_features(struct ctl_writer *w, cJSON *o, uint32_t features)
{
	static const struct {
		uint32_t bit;
		const char *name;
	} names[] = {{FIDO_BLK_CAN_WRITE, "write"}, {FIDO_BLK_CAN_FLUSH, "flush"},
		{FIDO_BLK_CAN_FUA, "fua"}, {FIDO_BLK_CAN_DISCARD, "discard"},
		{FIDO_BLK_CAN_WRITE_ZEROES, "write_zeroes"}};
	cJSON *array = ctl_writer_keep(w, cJSON_AddArrayToObject(o, "features"));

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		cJSON *name;

		if (!(features & names[i].bit))
			continue;
		name = ctl_writer_keep(w, cJSON_CreateString(names[i].name));
		if (name != NULL)
			w->failed |= !cJSON_AddItemToArray(array, name);
	}
}

static void
add_counters(struct ctl_writer *w, cJSON *o, const struct ctl_volume_row *row)
{
	cJSON *total = ctl_writer_keep(w, cJSON_AddObjectToObject(o, "total"));
	cJSON *rate = ctl_writer_keep(w, cJSON_AddObjectToObject(o, "per_second"));

	ctl_writer_u64(w, total, "requests", ctl_volumes_requests(row->counter));
	if (row->rated)
		ctl_writer_double(w, rate, "requests", row->requests_per_second);
	else
		ctl_writer_keep(w, cJSON_AddNullToObject(rate, "requests"));
	for (const struct ctl_counter *c = ctl_blk_counters; c->name != NULL; c++) {
		ctl_writer_u64(w, total, c->name, row->counter[c->index]);
		if (row->rated)
			ctl_writer_double(w, rate, c->name, row->per_second[c->index]);
		else
			ctl_writer_keep(w, cJSON_AddNullToObject(rate, c->name));
	}
}

static void
add_volume(struct ctl_writer *w, cJSON *array, const struct ctl_volume_row *row)
{
	const struct ctl_volume *v = row->volume;
	cJSON *o = ctl_writer_object(w, array);

	ctl_writer_string(w, o, "domain", row->domain->name);
	ctl_writer_id(w, o, "generation", true, row->domain->generation);
	ctl_writer_string(w, o, "name", v->name);
	ctl_writer_string(w, o, "store", v->store);
	ctl_writer_u64(w, o, "bytes", v->size);
	ctl_writer_id(w, o, "identity", true, v->identity);
	ctl_writer_u64(w, o, "block_size", v->block_size);
	add_features(w, o, v->features);
	ctl_writer_u64(w, o, "clients", v->clients);
	ctl_writer_keep(w, cJSON_AddBoolToObject(o, "exclusive", v->exclusive));
	ctl_writer_u64(w, o, "copied", v->copied);
	ctl_writer_u64(w, o, "pieces_lent", ctl_volumes_lent_out(row->counter));
	add_counters(w, o, row);
}

static void
add_queue(struct ctl_writer *w, cJSON *array, const struct ctl_volume_row *row)
{
	cJSON *o = ctl_writer_object(w, array);

	ctl_writer_string(w, o, "domain", row->domain->name);
	ctl_writer_id(w, o, "generation", true, row->domain->generation);
	ctl_writer_string(w, o, "volume", row->volume->name);
	ctl_writer_string(w, o, "client", row->queue->client);
	ctl_writer_u64(w, o, "queue", row->queue->queue);
	ctl_writer_u64(w, o, "in_flight", row->counter[CTL_BLK_COUNTER(in_flight)]);
	ctl_writer_u64(w, o, "pieces_lent", ctl_volumes_lent_out(row->counter));
	add_counters(w, o, row);
}

/* Add the names of the domains whose tables are inconsistent. */
static void
add_unreadable(struct ctl_writer *w, cJSON *root, const struct ctl_snapshot *s,
	const struct ctl_options *opt)
{
	cJSON *array = ctl_writer_keep(w, cJSON_AddArrayToObject(root, "unreadable"));

	for (unsigned int i = 0; i < s->domain_count; i++) {
		const struct ctl_domain *d = &s->domains[i];
		cJSON *name;

		if (!d->volumes.bad || (opt->domain != NULL && strcmp(opt->domain, d->name) != 0))
			continue;
		name = ctl_writer_keep(w, cJSON_CreateString(d->name));
		if (name != NULL)
			w->failed |= !cJSON_AddItemToArray(array, name);
	}
}

int
ctl_json_volumes(FILE *out, const struct ctl_snapshot *before, const struct ctl_snapshot *now,
	const struct ctl_options *opt, bool one_line)
{
	struct ctl_writer w = {false};
	struct ctl_volume_rows volumes = {0}, queues = {0};
	cJSON *root, *array;
	int ret = ctl_volume_rows_of(&volumes, before, now, opt->domain, false);

	if (ret == 0)
		ret = ctl_volume_rows_of(&queues, before, now, opt->domain, true);
	if (ret == 0) {
		root = ctl_writer_begin(&w, opt);
		ctl_writer_interval(&w, root, before, now);
		ctl_writer_states(&w, root, now);
		add_unreadable(&w, root, now, opt);
		array = ctl_writer_keep(&w, cJSON_AddArrayToObject(root, "volumes"));
		for (size_t i = 0; i < volumes.count; i++)
			add_volume(&w, array, &volumes.row[i]);
		array = ctl_writer_keep(&w, cJSON_AddArrayToObject(root, "queues"));
		for (size_t i = 0; i < queues.count; i++)
			add_queue(&w, array, &queues.row[i]);
		ret = ctl_writer_finish(&w, root, out, one_line);
	}
	ctl_volume_rows_free(&volumes);
	ctl_volume_rows_free(&queues);
	return ret;
}
