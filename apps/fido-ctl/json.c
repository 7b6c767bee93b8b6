/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "json.h"
#include "rows.h"

/*
 * An object that is being made. cJSON's functions take NULL for an object that there was no memory
 * for, so it is enough to remember that one of them failed.
 */
struct writer {
	bool failed;
};

static cJSON *
keep(struct writer *w, cJSON *item)
{
	w->failed |= item == NULL;
	return item;
}

/* A double cannot hold all of them: cJSON's own numbers will not do. */
static void
add_u64(struct writer *w, cJSON *o, const char *key, uint64_t value)
{
	char text[32];

	snprintf(text, sizeof(text), "%" PRIu64, value);
	keep(w, cJSON_AddRawToObject(o, key, text));
}

static void
add_u64_if(struct writer *w, cJSON *o, const char *key, bool known, uint64_t value)
{
	if (known)
		add_u64(w, o, key, value);
	else
		keep(w, cJSON_AddNullToObject(o, key));
}

static void
add_double(struct writer *w, cJSON *o, const char *key, double value)
{
	char text[64];

	snprintf(text, sizeof(text), "%.3f", value);
	keep(w, cJSON_AddRawToObject(o, key, text));
}

/* Generations and addresses are names, not amounts: as strings, so that nobody rounds them. */
static void
add_id(struct writer *w, cJSON *o, const char *key, bool known, uint64_t value)
{
	char text[32];

	snprintf(text, sizeof(text), "%" PRIu64, value);
	keep(w, known ? cJSON_AddStringToObject(o, key, text) : cJSON_AddNullToObject(o, key));
}

static void
add_gaddr(struct writer *w, cJSON *o, const char *key, uint64_t value)
{
	char text[32];

	snprintf(text, sizeof(text), "0x%" PRIx64, value);
	keep(w, cJSON_AddStringToObject(o, key, text));
}

static void
add_string(struct writer *w, cJSON *o, const char *key, const char *value)
{
	keep(w, cJSON_AddStringToObject(o, key, value));
}

static cJSON *
add_object(struct writer *w, cJSON *array)
{
	cJSON *o = keep(w, cJSON_CreateObject());

	if (o != NULL)
		w->failed |= !cJSON_AddItemToArray(array, o);
	return o;
}

/* Print and delete. */
static int
finish(struct writer *w, cJSON *root, FILE *out, bool one_line)
{
	char *text = w->failed ? NULL : one_line ? cJSON_PrintUnformatted(root) : cJSON_Print(root);

	cJSON_Delete(root);
	if (text == NULL)
		return -ENOMEM;
	fprintf(out, "%s\n", text);
	cJSON_free(text);
	return 0;
}

static cJSON *
begin(struct writer *w, const struct ctl_options *opt)
{
	cJSON *root = keep(w, cJSON_CreateObject());

	add_string(w, root, "command", ctl_command_name(opt->command));
	add_string(w, root, "group", opt->group);
	return root;
}

static bool
wanted(const struct ctl_options *opt, const struct ctl_domain *d)
{
	return opt->domain == NULL || strcmp(opt->domain, d->name) == 0;
}

static const char *
state_id(enum ctl_state state)
{
	return state == CTL_SILENT ? "not_answering" : ctl_state_name(state);
}

/* ---- list ---- */

static void
add_layout(struct writer *w, cJSON *o, const struct ctl_domain *d)
{
	cJSON *layout;

	if (d == NULL || !d->known) {
		keep(w, cJSON_AddNullToObject(o, "layout"));
		return;
	}
	layout = keep(w, cJSON_AddObjectToObject(o, "layout"));
	add_u64(w, layout, "version", d->version);
	add_gaddr(w, layout, "base", d->layout.base);
	add_u64(w, layout, "slot_shift", d->layout.slot_shift);
	add_u64(w, layout, "slots", d->layout.slots);
}

static void
add_regions(struct writer *w, cJSON *o, const struct ctl_domain *d)
{
	cJSON *array = keep(w, cJSON_AddArrayToObject(o, "regions"));

	for (unsigned int i = 0; i < FIDO_REGIONS_MAX; i++) {
		const struct fido_region_shm *r = &d->regions[i];
		cJSON *region;

		if (r->gaddr == 0)
			continue;
		region = add_object(w, array);
		add_gaddr(w, region, "gaddr", r->gaddr);
		add_u64(w, region, "bytes", r->len);
		add_u64(w, region, "exported_bytes", r->exported);
		add_u64(w, region, "page_size", r->page_size);
		keep(w, cJSON_AddBoolToObject(region, "arena", r->arena != 0));
	}
}

static void
add_mapped(struct writer *w, cJSON *o, const struct ctl_domain *d)
{
	cJSON *array = keep(w, cJSON_AddArrayToObject(o, "mapped"));

	for (unsigned int i = 0; i < FIDO_SLOTS_MAX; i++) {
		const struct fido_mapped_shm *m = &d->mapped_by_slot[i];
		cJSON *mapped;

		if (m->generation == 0)
			continue;
		mapped = add_object(w, array);
		add_u64(w, mapped, "slot", i);
		add_id(w, mapped, "generation", true, m->generation);
		add_u64(w, mapped, "epoch", m->epoch);
		add_u64(w, mapped, "bytes", m->bytes);
	}
}

static void
add_domain(struct writer *w, cJSON *array, const struct ctl_domain *d)
{
	cJSON *o = add_object(w, array);

	add_string(w, o, "name", d->name);
	add_string(w, o, "state", state_id(d->state));
	if (d->still_ns != 0)
		add_double(w, o, "still_s", (double)d->still_ns / 1e9);
	add_u64_if(w, o, "slot", d->known, d->slot);
	add_id(w, o, "generation", d->known, d->generation);
	add_u64_if(w, o, "pid", d->known, d->pid);
	if (d->known)
		add_double(w, o, "uptime_s", (double)d->uptime_ns / 1e9);
	else
		keep(w, cJSON_AddNullToObject(o, "uptime_s"));
	add_u64_if(w, o, "start_time_ns", d->known, d->start_ns);
	add_u64_if(w, o, "epoch", d->known, d->epoch);
	add_u64_if(w, o, "heartbeat", d->known, d->heartbeat);
	add_u64_if(w, o, "control_bytes", d->known, d->control_size);
	add_u64_if(w, o, "exported_bytes", d->known, d->exported);
	add_u64_if(w, o, "arena_bytes", d->known, d->arena);
	add_u64_if(w, o, "mapped_bytes", d->known, d->mapped);
	add_u64_if(w, o, "mapped_domains", d->known, d->mapped_domains);
	add_u64_if(w, o, "links", d->known, d->link_count);
	add_layout(w, o, d);
	add_regions(w, o, d);
	add_mapped(w, o, d);
}

int
ctl_json_list(FILE *out, const struct ctl_snapshot *s, const struct ctl_options *opt)
{
	struct writer w = {false};
	cJSON *root = begin(&w, opt);
	const struct ctl_domain *first = NULL;
	cJSON *array;

	for (unsigned int i = s->domain_count; i-- > 0;)
		if (s->domains[i].known)
			first = &s->domains[i];
	add_layout(&w, root, first);
	array = keep(&w, cJSON_AddArrayToObject(root, "domains"));
	for (unsigned int i = 0; i < s->domain_count; i++)
		if (wanted(opt, &s->domains[i]))
			add_domain(&w, array, &s->domains[i]);
	return finish(&w, root, out, false);
}

/* ---- links and queues ---- */

/* Who was asked, whatever is listed of them. */
static void
add_states(struct writer *w, cJSON *root, const struct ctl_snapshot *s)
{
	cJSON *array = keep(w, cJSON_AddArrayToObject(root, "domains"));

	for (unsigned int i = 0; i < s->domain_count; i++) {
		cJSON *o = add_object(w, array);

		add_string(w, o, "name", s->domains[i].name);
		add_string(w, o, "state", state_id(s->domains[i].state));
	}
}

static void
add_link(struct writer *w, cJSON *array, const struct ctl_row *row)
{
	const struct ctl_link *link = row->link;
	cJSON *o = add_object(w, array);
	bool known = !link->torn;
	uint64_t kept;

	add_string(w, o, "domain", row->domain->name);
	add_id(w, o, "generation", true, row->domain->generation);
	add_string(w, o, "peer", link->peer);
	add_string(w, o, "name", link->name);
	add_string(w, o, "state", ctl_link_state_name(link));
	keep(w, known ? cJSON_AddBoolToObject(o, "quiesced", link->quiesced) :
			cJSON_AddNullToObject(o, "quiesced"));
	add_u64_if(w, o, "tx_queues", known, link->ntx);
	add_u64_if(w, o, "rx_queues", known, link->nrx);
	add_u64_if(w, o, "rx_rings", known, link->rx_rings);
	add_u64_if(w, o, "tx_ring_size", link->tx_ring_size != 0, link->tx_ring_size);
	add_u64_if(w, o, "rx_ring_size", link->rx_ring_size != 0, link->rx_ring_size);
	known = ctl_link_kept(link, true, &kept);
	add_u64_if(w, o, "buffers_out", known, kept);
	known = ctl_link_kept(link, false, &kept);
	add_u64_if(w, o, "buffers_held", known, kept);
	add_u64_if(w, o, "stranded", !link->torn, link->stranded);
	add_id(w, o, "incarnation", !link->torn, link->incarnation);
	add_id(w, o, "peer_generation", link->peer_generation != 0, link->peer_generation);
	add_id(w, o, "peer_incarnation", link->peer_generation != 0, link->peer_incarnation);
}

int
ctl_json_links(FILE *out, const struct ctl_snapshot *s, const struct ctl_options *opt)
{
	struct writer w = {false};
	struct ctl_rows rows;
	cJSON *root, *array;
	int ret = ctl_rows_of_links(&rows, s, opt->domain);

	if (ret != 0)
		return ret;
	root = begin(&w, opt);
	add_states(&w, root, s);
	array = keep(&w, cJSON_AddArrayToObject(root, "links"));
	for (size_t i = 0; i < rows.count; i++)
		add_link(&w, array, &rows.row[i]);
	ctl_rows_free(&rows);
	return finish(&w, root, out, false);
}

static void
add_counters(struct writer *w, cJSON *o, const struct ctl_row *row)
{
	const struct ctl_counter *c = row->queue->tx ? ctl_tx_counters : ctl_rx_counters;
	cJSON *total = keep(w, cJSON_AddObjectToObject(o, "total"));
	cJSON *rate = keep(w, cJSON_AddObjectToObject(o, "per_second"));

	for (; c->name != NULL; c++) {
		add_u64_if(w, total, c->name, row->queue->readable, row->queue->counter[c->index]);
		if (row->rated)
			add_double(w, rate, c->name, row->per_second[c->index]);
		else
			keep(w, cJSON_AddNullToObject(rate, c->name));
	}
}

static void
add_queue(struct writer *w, cJSON *array, const struct ctl_row *row)
{
	const struct ctl_queue *q = row->queue;
	cJSON *o = add_object(w, array);
	uint64_t kept;
	bool known = ctl_queue_kept(q, &kept);

	add_string(w, o, "domain", row->domain->name);
	add_id(w, o, "generation", true, row->domain->generation);
	add_string(w, o, "peer", row->link->peer);
	add_string(w, o, "link", row->link->name);
	add_string(w, o, "direction", q->tx ? "tx" : "rx");
	add_u64(w, o, "queue", q->index);
	add_u64_if(w, o, "ring_size", q->ring_size != 0, q->ring_size);
	add_u64_if(w, o, "buffers_out", known && q->tx, kept);
	add_u64_if(w, o, "buffers_held", known && !q->tx, kept);
	add_counters(w, o, row);
}

int
ctl_json_queues(FILE *out, const struct ctl_snapshot *before, const struct ctl_snapshot *now,
		const struct ctl_options *opt, bool one_line)
{
	struct writer w = {false};
	struct ctl_rows rows;
	cJSON *root, *array;
	int ret = ctl_rows_of_queues(&rows, before, now, opt->domain);

	if (ret != 0)
		return ret;
	if (opt->command == CTL_TOP)
		ctl_rows_sort_by_rate(&rows);
	root = begin(&w, opt);
	if (before != NULL)
		add_double(&w, root, "interval_s", (double)(now->time_ns - before->time_ns) / 1e9);
	else
		keep(&w, cJSON_AddNullToObject(root, "interval_s"));
	add_states(&w, root, now);
	array = keep(&w, cJSON_AddArrayToObject(root, "queues"));
	for (size_t i = 0; i < rows.count; i++)
		add_queue(&w, array, &rows.row[i]);
	ctl_rows_free(&rows);
	return finish(&w, root, out, one_line);
}
