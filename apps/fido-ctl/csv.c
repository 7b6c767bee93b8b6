/* SPDX-License-Identifier: BSD-3-Clause */
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "csv.h"
#include "rows.h"

/*
 * Columns: time, queue, rates, buffers kept, all counters of transmit queues, then the counters
 * that only receive queues have. A counter that a queue does not have is empty. Names need no
 * quotes: they contain only A-Z a-z 0-9 _ . -
 */

static const struct ctl_counter *
find(const struct ctl_counter *counters, const char *name)
{
	for (; counters->name != NULL; counters++)
		if (strcmp(counters->name, name) == 0)
			return counters;
	return NULL;
}

void
ctl_csv_head(FILE *out)
{
	fputs("time,domain,peer,link,direction,queue,packets_per_second,bytes_per_second,kept",
		out);
	for (const struct ctl_counter *c = ctl_tx_counters; c->name != NULL; c++)
		fprintf(out, ",%s", c->name);
	for (const struct ctl_counter *c = ctl_rx_counters; c->name != NULL; c++)
		if (find(ctl_tx_counters, c->name) == NULL)
			fprintf(out, ",%s", c->name);
	fputc('\n', out);
}

static void
print_counter(FILE *out, const struct ctl_queue *q, const char *name)
{
	const struct ctl_counter *c = find(q->tx ? ctl_tx_counters : ctl_rx_counters, name);

	if (c != NULL)
		fprintf(out, ",%" PRIu64, q->counter[c->index]);
	else
		fputc(',', out);
}

static void
print_queue(FILE *out, const struct ctl_row *row, const struct timespec *at)
{
	const struct ctl_queue *q = row->queue;
	uint64_t kept = 0;

	if (!row->rated || !ctl_queue_kept(q, &kept))
		return;
	fprintf(out, "%lld.%03ld,%s,%s,%s,%s,%u,%.1f,%.1f,%" PRIu64, (long long)at->tv_sec,
		at->tv_nsec / 1000000, row->domain->name, row->link->peer, row->link->name,
		q->tx ? "tx" : "rx", q->index, row->per_second[CTL_PACKETS],
		row->per_second[CTL_BYTES], kept);
	for (const struct ctl_counter *c = ctl_tx_counters; c->name != NULL; c++)
		print_counter(out, q, c->name);
	for (const struct ctl_counter *c = ctl_rx_counters; c->name != NULL; c++)
		if (find(ctl_tx_counters, c->name) == NULL)
			print_counter(out, q, c->name);
	fputc('\n', out);
}

int
ctl_csv_queues(FILE *out, const struct ctl_snapshot *before, const struct ctl_snapshot *now,
	const struct ctl_options *opt)
{
	struct ctl_rows rows;
	struct timespec at;
	int ret = ctl_rows_of_queues(&rows, before, now, opt->domain);

	if (ret != 0)
		return ret;
	clock_gettime(CLOCK_REALTIME, &at);
	for (size_t i = 0; i < rows.count; i++)
		print_queue(out, &rows.row[i], &at);
	ctl_rows_free(&rows);
	return 0;
}
