/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "json.h"
#include "rows.h"
#include "writer.h"

static bool
wanted(const struct ctl_options *opt, const struct ctl_domain *d)
{
	return opt->domain == NULL || strcmp(opt->domain, d->name) == 0;
}

/* ---- list ---- */

static void
add_layout(struct ctl_writer *w, cJSON *o, const struct ctl_domain *d)
{
	cJSON *layout;

	if (d == NULL || !d->known) {
		ctl_writer_keep(w, cJSON_AddNullToObject(o, "layout"));
		return;
	}
	layout = ctl_writer_keep(w, cJSON_AddObjectToObject(o, "layout"));
	ctl_writer_u64(w, layout, "version", d->version);
	ctl_writer_gaddr(w, layout, "base", d->layout.base);
	ctl_writer_u64(w, layout, "slot_shift", d->layout.slot_shift);
	ctl_writer_u64(w, layout, "slots", d->layout.slots);
}

static void
add_regions(struct ctl_writer *w, cJSON *o, const struct ctl_domain *d)
{
	cJSON *array = ctl_writer_keep(w, cJSON_AddArrayToObject(o, "regions"));

	for (unsigned int i = 0; i < FIDO_REGIONS_MAX; i++) {
		const struct fido_region_shm *r = &d->regions[i];
		cJSON *region;

		if (r->gaddr == 0)
			continue;
		region = ctl_writer_object(w, array);
		ctl_writer_gaddr(w, region, "gaddr", r->gaddr);
		ctl_writer_u64(w, region, "bytes", r->len);
		ctl_writer_u64(w, region, "exported_bytes", r->exported);
		ctl_writer_u64(w, region, "page_size", r->page_size);
		ctl_writer_keep(w, cJSON_AddBoolToObject(region, "arena", r->arena != 0));
	}
}

static void
add_mapped(struct ctl_writer *w, cJSON *o, const struct ctl_domain *d)
{
	cJSON *array = ctl_writer_keep(w, cJSON_AddArrayToObject(o, "mapped"));

	for (unsigned int i = 0; i < FIDO_SLOTS_MAX; i++) {
		const struct fido_mapped_shm *m = &d->mapped_by_slot[i];
		cJSON *mapped;

		if (m->generation == 0)
			continue;
		mapped = ctl_writer_object(w, array);
		ctl_writer_u64(w, mapped, "slot", i);
		ctl_writer_id(w, mapped, "generation", true, m->generation);
		ctl_writer_u64(w, mapped, "epoch", m->epoch);
		ctl_writer_u64(w, mapped, "bytes", m->bytes);
	}
}

static void
add_domain(struct ctl_writer *w, cJSON *array, const struct ctl_domain *d)
{
	cJSON *o = ctl_writer_object(w, array);

	ctl_writer_string(w, o, "name", d->name);
	ctl_writer_string(w, o, "state", ctl_writer_state(d->state));
	if (d->still_ns != 0)
		ctl_writer_double(w, o, "still_s", (double)d->still_ns / 1e9);
	ctl_writer_u64_if(w, o, "slot", d->known, d->slot);
	ctl_writer_id(w, o, "generation", d->known, d->generation);
	ctl_writer_u64_if(w, o, "pid", d->known, d->pid);
	if (d->known)
		ctl_writer_double(w, o, "uptime_s", (double)d->uptime_ns / 1e9);
	else
		ctl_writer_keep(w, cJSON_AddNullToObject(o, "uptime_s"));
	ctl_writer_u64_if(w, o, "start_time_ns", d->known, d->start_ns);
	ctl_writer_u64_if(w, o, "epoch", d->known, d->epoch);
	ctl_writer_u64_if(w, o, "heartbeat", d->known, d->heartbeat);
	ctl_writer_u64_if(w, o, "control_bytes", d->known, d->control_size);
	ctl_writer_u64_if(w, o, "exported_bytes", d->known, d->exported);
	ctl_writer_u64_if(w, o, "arena_bytes", d->known, d->arena);
	ctl_writer_u64_if(w, o, "mapped_bytes", d->known, d->mapped);
	ctl_writer_u64_if(w, o, "mapped_domains", d->known, d->mapped_domains);
	ctl_writer_u64_if(w, o, "links", d->known, d->link_count);
	add_layout(w, o, d);
	add_regions(w, o, d);
	add_mapped(w, o, d);
}

int
ctl_json_list(FILE *out, const struct ctl_snapshot *s, const struct ctl_options *opt)
{
	struct ctl_writer w = {false};
	cJSON *root = ctl_writer_begin(&w, opt);
	const struct ctl_domain *first = NULL;
	cJSON *array;

	for (unsigned int i = s->domain_count; i-- > 0;)
		if (s->domains[i].known)
			first = &s->domains[i];
	add_layout(&w, root, first);
	array = ctl_writer_keep(&w, cJSON_AddArrayToObject(root, "domains"));
	for (unsigned int i = 0; i < s->domain_count; i++)
		if (wanted(opt, &s->domains[i]))
			add_domain(&w, array, &s->domains[i]);
	return ctl_writer_finish(&w, root, out, false);
}

/* ---- links and queues ---- */

static void
add_link(struct ctl_writer *w, cJSON *array, const struct ctl_row *row)
{
	const struct ctl_link *link = row->link;
	cJSON *o = ctl_writer_object(w, array);
	bool known = !link->torn;
	uint64_t kept;

	ctl_writer_string(w, o, "domain", row->domain->name);
	ctl_writer_id(w, o, "generation", true, row->domain->generation);
	ctl_writer_string(w, o, "peer", link->peer);
	ctl_writer_string(w, o, "name", link->name);
	ctl_writer_string(w, o, "state", ctl_link_state_name(link));
	ctl_writer_keep(w,
		known ? cJSON_AddBoolToObject(o, "quiesced", link->quiesced)
		      : cJSON_AddNullToObject(o, "quiesced"));
	ctl_writer_u64_if(w, o, "tx_queues", known, link->ntx);
	ctl_writer_u64_if(w, o, "rx_queues", known, link->nrx);
	ctl_writer_u64_if(w, o, "rx_rings", known, link->rx_rings);
	ctl_writer_u64_if(w, o, "tx_ring_size", link->tx_ring_size != 0, link->tx_ring_size);
	ctl_writer_u64_if(w, o, "rx_ring_size", link->rx_ring_size != 0, link->rx_ring_size);
	known = ctl_link_kept(link, true, &kept);
	ctl_writer_u64_if(w, o, "buffers_out", known, kept);
	known = ctl_link_kept(link, false, &kept);
	ctl_writer_u64_if(w, o, "buffers_held", known, kept);
	ctl_writer_u64_if(w, o, "stranded", !link->torn, link->stranded);
	ctl_writer_id(w, o, "incarnation", !link->torn, link->incarnation);
	ctl_writer_id(w, o, "peer_generation", link->peer_generation != 0, link->peer_generation);
	ctl_writer_id(w, o, "peer_incarnation", link->peer_generation != 0, link->peer_incarnation);
}

int
ctl_json_links(FILE *out, const struct ctl_snapshot *s, const struct ctl_options *opt)
{
	struct ctl_writer w = {false};
	struct ctl_rows rows;
	cJSON *root, *array;
	int ret = ctl_rows_of_links(&rows, s, opt->domain);

	if (ret != 0)
		return ret;
	root = ctl_writer_begin(&w, opt);
	ctl_writer_states(&w, root, s);
	array = ctl_writer_keep(&w, cJSON_AddArrayToObject(root, "links"));
	for (size_t i = 0; i < rows.count; i++)
		add_link(&w, array, &rows.row[i]);
	ctl_rows_free(&rows);
	return ctl_writer_finish(&w, root, out, false);
}

static void
add_counters(struct ctl_writer *w, cJSON *o, const struct ctl_row *row)
{
	const struct ctl_counter *c = row->queue->tx ? ctl_tx_counters : ctl_rx_counters;
	cJSON *total = ctl_writer_keep(w, cJSON_AddObjectToObject(o, "total"));
	cJSON *rate = ctl_writer_keep(w, cJSON_AddObjectToObject(o, "per_second"));

	for (; c->name != NULL; c++) {
		ctl_writer_u64_if(w, total, c->name, row->queue->readable,
			row->queue->counter[c->index]);
		if (row->rated)
			ctl_writer_double(w, rate, c->name, row->per_second[c->index]);
		else
			ctl_writer_keep(w, cJSON_AddNullToObject(rate, c->name));
	}
}

static void
add_queue(struct ctl_writer *w, cJSON *array, const struct ctl_row *row)
{
	const struct ctl_queue *q = row->queue;
	cJSON *o = ctl_writer_object(w, array);
	uint64_t kept;
	bool known = ctl_queue_kept(q, &kept);

	ctl_writer_string(w, o, "domain", row->domain->name);
	ctl_writer_id(w, o, "generation", true, row->domain->generation);
	ctl_writer_string(w, o, "peer", row->link->peer);
	ctl_writer_string(w, o, "link", row->link->name);
	ctl_writer_string(w, o, "direction", q->tx ? "tx" : "rx");
	ctl_writer_u64(w, o, "queue", q->index);
	ctl_writer_u64_if(w, o, "ring_size", q->ring_size != 0, q->ring_size);
	ctl_writer_u64_if(w, o, "buffers_out", known && q->tx, kept);
	ctl_writer_u64_if(w, o, "buffers_held", known && !q->tx, kept);
	add_counters(w, o, row);
}

int
ctl_json_queues(FILE *out, const struct ctl_snapshot *before, const struct ctl_snapshot *now,
	const struct ctl_options *opt, bool one_line)
{
	struct ctl_writer w = {false};
	struct ctl_rows rows;
	cJSON *root, *array;
	int ret = ctl_rows_of_queues(&rows, before, now, opt->domain);

	if (ret != 0)
		return ret;
	if (opt->command == CTL_TOP)
		ctl_rows_sort(&rows, opt->sort, false);
	root = ctl_writer_begin(&w, opt);
	ctl_writer_interval(&w, root, before, now);
	ctl_writer_states(&w, root, now);
	array = ctl_writer_keep(&w, cJSON_AddArrayToObject(root, "queues"));
	for (size_t i = 0; i < rows.count; i++)
		add_queue(&w, array, &rows.row[i]);
	ctl_rows_free(&rows);
	return ctl_writer_finish(&w, root, out, one_line);
}
