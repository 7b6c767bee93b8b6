/* SPDX-License-Identifier: BSD-3-Clause */
#include <inttypes.h>
#include <sys/resource.h>
#include <time.h>

#include <fido/atomic.h>

#include "number.h"
#include "result.h"
#include "verify.h"

static double
cpu_seconds(void)
{
	struct rusage usage;

	if (getrusage(RUSAGE_SELF, &usage) != 0)
		return 0;
	return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
		(double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

struct perf_totals
perf_result_now(const struct perf_worker *workers, unsigned int n)
{
	struct perf_totals t = {.cpu_s = cpu_seconds()};
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	t.time_ns = (uint64_t)ts.tv_sec * UINT64_C(1000000000) + (uint64_t)ts.tv_nsec;
	for (unsigned int i = 0; i < n; i++) {
		const struct perf_counters *c = &workers[i].counters;

		for (unsigned int op = 0; op < 8; op++) {
			t.requests[op] += fido_load_relaxed(&c->requests[op]);
			t.bytes[op] += fido_load_relaxed(&c->bytes[op]);
		}
		t.errors += fido_load_relaxed(&c->errors);
		t.inflight += fido_load_relaxed(&c->inflight);
	}
	return t;
}

static void
add_stats(struct fido_blk_stats *to, const struct fido_blk_stats *from)
{
	to->errors += from->errors;
	to->lent += from->lent;
	to->copied_reads += from->copied_reads;
	to->copied_writes += from->copied_writes;
	to->resent += from->resent;
	to->sessions += from->sessions;
}

void
perf_result_collect(struct perf_result *r, const struct perf_options *opt,
	const struct perf_worker *workers, unsigned int n, const struct perf_totals *start)
{
	r->total = perf_result_now(workers, n);
	r->seconds = (double)(r->total.time_ns - start->time_ns) / 1e9;
	r->total.cpu_s -= start->cpu_s;
	for (unsigned int i = 0; i < n; i++) {
		const struct perf_worker *w = &workers[i];

		for (unsigned int op = 0; op < 8; op++)
			perf_histogram_merge(&r->latency[op], &w->latency[op]);
		add_stats(&r->stats, &w->stats);
		r->unanswered += w->unanswered;
		if (opt->verify) {
			const struct perf_verify_queue *vq = w->job;

			r->checks.blocks += vq->counts.blocks;
			r->checks.again += vq->counts.again;
			r->checks.overwritten += vq->counts.overwritten;
			r->checks.wrong += vq->counts.wrong;
		}
	}
}

static double
between(uint64_t before, uint64_t now, double s)
{
	return s > 0 ? (double)(now - before) / s : 0;
}

void
perf_result_print_line(FILE *out, const struct perf_totals *start, const struct perf_totals *before,
	const struct perf_totals *now, bool connected)
{
	double s = (double)(now->time_ns - before->time_ns) / 1e9;
	uint64_t others = 0, others_before = 0;

	for (unsigned int op = FIDO_BLK_FLUSH; op < 8; op++) {
		others += now->requests[op];
		others_before += before->requests[op];
	}
	fprintf(out,
		"fido-blk-perf: %.0fs read %s IOPS %.0f MiB/s write %s IOPS %.0f MiB/s other %s IOPS in flight %" PRIu64
		" errors %" PRIu64 " cpu %.0f%%%s\n",
		(double)(now->time_ns - start->time_ns) / 1e9,
		perf_number_of_rate(
			between(before->requests[FIDO_BLK_READ], now->requests[FIDO_BLK_READ], s))
			.s,
		between(before->bytes[FIDO_BLK_READ], now->bytes[FIDO_BLK_READ], s) / (1 << 20),
		perf_number_of_rate(
			between(before->requests[FIDO_BLK_WRITE], now->requests[FIDO_BLK_WRITE], s))
			.s,
		between(before->bytes[FIDO_BLK_WRITE], now->bytes[FIDO_BLK_WRITE], s) / (1 << 20),
		perf_number_of_rate(between(others_before, others, s)).s, now->inflight,
		now->errors, s > 0 ? 100 * (now->cpu_s - before->cpu_s) / s : 0,
		connected ? "" : " (no backend)");
}

static void
print_op(FILE *out, const char *name, const struct perf_result *r, enum fido_blk_op op)
{
	const struct perf_histogram *h = &r->latency[op];
	uint64_t n = r->total.requests[op], bytes = r->total.bytes[op];

	if (n == 0)
		return;
	fprintf(out, "fido-blk-perf: %s: %" PRIu64 " requests, %s IOPS", name, n,
		perf_number_of_rate(between(0, n, r->seconds)).s);
	if (bytes != 0)
		fprintf(out, ", %s, %s/s", perf_number_of_bytes(bytes).s,
			perf_number_of_bytes((uint64_t)between(0, bytes, r->seconds)).s);
	fprintf(out, "; latency min %s mean %s p50 %s p90 %s p99 %s p99.9 %s max %s\n",
		perf_number_of_ns((double)h->min).s, perf_number_of_ns(perf_histogram_mean(h)).s,
		perf_number_of_ns((double)perf_histogram_percentile(h, 50)).s,
		perf_number_of_ns((double)perf_histogram_percentile(h, 90)).s,
		perf_number_of_ns((double)perf_histogram_percentile(h, 99)).s,
		perf_number_of_ns((double)perf_histogram_percentile(h, 99.9)).s,
		perf_number_of_ns((double)h->max).s);
}

void
perf_result_print(FILE *out, const struct perf_options *opt, const struct perf_result *r)
{
	const struct fido_blk_stats *s = &r->stats;

	fprintf(out,
		"fido-blk-perf: summary: %.3f s, %s, %s, bs %" PRIu32 "-%" PRIu32 ", depth %" PRIu32
		", %u queues, %s, memory %s, seed %" PRIu64 ", cpu %.3f s\n",
		r->seconds, perf_options_rw_name(opt), perf_options_pattern_name(opt), opt->bs_min,
		opt->bs_max, opt->depth, opt->queues, opt->copy ? "copy" : "lend",
		perf_options_memory_name(opt), opt->seed, r->total.cpu_s);
	print_op(out, "read", r, FIDO_BLK_READ);
	print_op(out, "write", r, FIDO_BLK_WRITE);
	print_op(out, "flush", r, FIDO_BLK_FLUSH);
	print_op(out, "discard", r, FIDO_BLK_DISCARD);
	print_op(out, "write of zeroes", r, FIDO_BLK_WRITE_ZEROES);
	fprintf(out,
		"fido-blk-perf: lent %" PRIu64 ", copied reads %" PRIu64 ", copied writes %" PRIu64
		", resent %" PRIu64 ", sessions %" PRIu64 ", errors %" PRIu64
		", unanswered %" PRIu64 "\n",
		s->lent, s->copied_reads, s->copied_writes, s->resent, s->sessions, r->total.errors,
		r->unanswered);
	if (opt->verify)
		fprintf(out,
			"fido-blk-perf: verify: %" PRIu64 " blocks checked, %" PRIu64
			" lent ones a second time (%" PRIu64
			" of them written in the meantime), %" PRIu64 " wrong\n",
			r->checks.blocks, r->checks.again, r->checks.overwritten, r->checks.wrong);
}
