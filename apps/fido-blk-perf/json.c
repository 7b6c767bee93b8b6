/* SPDX-License-Identifier: BSD-3-Clause */
/* The summary as JSON: see result.h. */
#include <errno.h>
#include <inttypes.h>

#include <cjson/cJSON.h>

#include "result.h"

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
add_double(struct writer *w, cJSON *o, const char *key, double value)
{
	char text[64];

	snprintf(text, sizeof(text), "%.3f", value);
	keep(w, cJSON_AddRawToObject(o, key, text));
}

static void
add_string(struct writer *w, cJSON *o, const char *key, const char *value)
{
	keep(w, cJSON_AddStringToObject(o, key, value));
}

static void
add_bool(struct writer *w, cJSON *o, const char *key, bool value)
{
	keep(w, cJSON_AddBoolToObject(o, key, value));
}

static void
add_options(struct writer *w, cJSON *o, const struct perf_options *opt)
{
	add_string(w, o, "group", opt->group);
	add_string(w, o, "backend", opt->backend);
	add_string(w, o, "volume", opt->volume);
	add_string(w, o, "rw", perf_options_rw_name(opt));
	add_u64(w, o, "read_percent", opt->read_percent);
	add_string(w, o, "pattern", perf_options_pattern_name(opt));
	add_u64(w, o, "bs", opt->bs_min);
	add_u64(w, o, "bs_max", opt->bs_max);
	add_u64(w, o, "depth", opt->depth);
	add_u64(w, o, "queues", opt->queues);
	add_bool(w, o, "lend", !opt->copy);
	add_string(w, o, "memory", perf_options_memory_name(opt));
	add_u64(w, o, "segments", opt->segments);
	add_bool(w, o, "touch", opt->touch);
	add_bool(w, o, "fua", opt->fua);
	add_u64(w, o, "flush_every", opt->flush_every);
	add_string(w, o, "idle", opt->sleeps ? "sleep" : "poll");
	add_u64(w, o, "seed", opt->seed);
}

static void
add_op(struct writer *w, cJSON *root, const char *name, const struct perf_result *r,
	enum fido_blk_op op)
{
	const struct perf_histogram *h = &r->latency[op];
	cJSON *o = keep(w, cJSON_AddObjectToObject(root, name)), *latency;

	add_u64(w, o, "requests", r->total.requests[op]);
	add_double(w, o, "iops", r->seconds > 0 ? (double)r->total.requests[op] / r->seconds : 0);
	add_u64(w, o, "bytes", r->total.bytes[op]);
	add_double(w, o, "bytes_per_second",
		r->seconds > 0 ? (double)r->total.bytes[op] / r->seconds : 0);
	if (h->count == 0) {
		keep(w, cJSON_AddNullToObject(o, "latency_ns"));
		return;
	}
	latency = keep(w, cJSON_AddObjectToObject(o, "latency_ns"));
	add_u64(w, latency, "min", h->min);
	add_double(w, latency, "mean", perf_histogram_mean(h));
	add_u64(w, latency, "p50", perf_histogram_percentile(h, 50));
	add_u64(w, latency, "p90", perf_histogram_percentile(h, 90));
	add_u64(w, latency, "p99", perf_histogram_percentile(h, 99));
	add_u64(w, latency, "p99_9", perf_histogram_percentile(h, 99.9));
	add_u64(w, latency, "max", h->max);
}

static void
add_checks(struct writer *w, cJSON *root, const struct perf_options *opt,
	const struct perf_check_counts *c)
{
	cJSON *o;

	if (!opt->verify) {
		keep(w, cJSON_AddNullToObject(root, "verify"));
		return;
	}
	o = keep(w, cJSON_AddObjectToObject(root, "verify"));
	add_u64(w, o, "blocks", c->blocks);
	add_u64(w, o, "lent_again", c->again);
	add_u64(w, o, "overwritten", c->overwritten);
	add_u64(w, o, "wrong", c->wrong);
}

static cJSON *
make(struct writer *w, const struct perf_options *opt, const struct perf_result *r)
{
	cJSON *root = keep(w, cJSON_CreateObject());
	uint64_t requests = 0;

	for (unsigned int op = 0; op < 8; op++)
		requests += r->total.requests[op];
	add_string(w, root, "app", "fido-blk-perf");
	add_options(w, root, opt);
	add_u64(w, root, "volume_bytes", r->info.size);
	add_u64(w, root, "volume_block_size", r->info.block_size);
	add_double(w, root, "seconds", r->seconds);
	add_double(w, root, "cpu_seconds", r->total.cpu_s);
	add_double(w, root, "iops", r->seconds > 0 ? (double)requests / r->seconds : 0);
	add_op(w, root, "read", r, FIDO_BLK_READ);
	add_op(w, root, "write", r, FIDO_BLK_WRITE);
	add_op(w, root, "flush", r, FIDO_BLK_FLUSH);
	add_op(w, root, "discard", r, FIDO_BLK_DISCARD);
	add_op(w, root, "zeroes", r, FIDO_BLK_WRITE_ZEROES);
	add_u64(w, root, "lent", r->stats.lent);
	add_u64(w, root, "copied_reads", r->stats.copied_reads);
	add_u64(w, root, "copied_writes", r->stats.copied_writes);
	add_u64(w, root, "resent", r->stats.resent);
	add_u64(w, root, "sessions", r->stats.sessions);
	add_u64(w, root, "errors", r->total.errors);
	add_u64(w, root, "unanswered", r->unanswered);
	add_u64(w, root, "failures", r->failures);
	add_checks(w, root, opt, &r->checks);
	return root;
}

int
perf_result_print_json(FILE *out, const struct perf_options *opt, const struct perf_result *r)
{
	struct writer w = {false};
	cJSON *root = make(&w, opt, r);
	char *text = w.failed ? NULL : cJSON_PrintUnformatted(root);

	cJSON_Delete(root);
	if (text == NULL)
		return -ENOMEM;
	fprintf(out, "%s\n", text);
	cJSON_free(text);
	return 0;
}
