/* SPDX-License-Identifier: BSD-3-Clause */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include <rte_cycles.h>
#include <rte_ethdev.h>

#include "app.h"
#include "counter.h"
#include "output.h"

static double
cpu_seconds(void)
{
	struct rusage usage;

	if (getrusage(RUSAGE_SELF, &usage) != 0)
		return 0;
	return usage.ru_utime.tv_sec + usage.ru_stime.tv_sec +
		(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static struct fwd_totals
add_up(const struct fwd_app *app)
{
	struct fwd_totals t = {.tsc = rte_rdtsc(), .cpu = cpu_seconds()};

	for (unsigned int i = 0; i < app->nb_streams; i++) {
		const struct fwd_stream_counters *c = &app->streams[i].counters;

		/*
		 * Read Tx before Rx, so that the totals never show more packets sent than received.
		 */
		t.tx_bytes += fwd_read(&c->tx_bytes);
		t.tx_packets += fwd_read(&c->tx_packets);
		t.dropped += fwd_read(&c->dropped_packets);
		t.header_copies += fwd_read(&c->header_copies);
		t.full_copies += fwd_read(&c->full_copies);
		t.rx_bytes += fwd_read(&c->rx_bytes);
		t.rx_packets += fwd_read(&c->rx_packets);
		t.sum += fwd_read(&c->sum);
	}
	t.copies = t.full_copies;
	t.headers = t.header_copies;
	for (unsigned int i = 0; i < RTE_MAX_ETHPORTS; i++) {
		const struct fwd_port *port = &app->port[i];

		t.copies += fwd_port_counter(port, FWD_RX_COPIED) +
			fwd_port_counter(port, FWD_TX_COPIED);
		t.headers += fwd_port_counter(port, FWD_RX_HEADER);
		t.zero_copy += fwd_port_counter(port, FWD_RX_ZERO_COPY);
	}
	for (unsigned int i = 0; i < app->nb_lcores; i++)
		t.idle_tsc += fwd_read(&app->lcore[i].idle_tsc);
	return t;
}

static double
seconds_between(const struct fwd_totals *from, const struct fwd_totals *to)
{
	return (double)(to->tsc - from->tsc) / rte_get_tsc_hz();
}

/* Return the idle share of the forwarding lcores' time, in percent. */
static double
idle_percent(const struct fwd_app *app, const struct fwd_totals *from, const struct fwd_totals *to)
{
	double all = (double)(to->tsc - from->tsc) * app->nb_lcores;
	double percent = all > 0 ? 100.0 * (to->idle_tsc - from->idle_tsc) / all : 0;

	return RTE_MIN(percent, 100.0);
}

void
fwd_status_start(struct fwd_app *app)
{
	struct fwd_status *status = &app->status;

	status->first = add_up(app);
	status->last = status->first;
	status->next_tsc = 0;
	if (app->opt.stats_period > 0 && !app->opt.quiet)
		status->next_tsc = status->first.tsc + app->opt.stats_period * rte_get_tsc_hz();
}

void
fwd_status_tick(struct fwd_app *app)
{
	struct fwd_status *status = &app->status;
	struct fwd_totals t;
	double s;

	if (status->next_tsc == 0 || rte_rdtsc() < status->next_tsc)
		return;
	t = add_up(app);
	s = seconds_between(&status->last, &t);
	printf("fido-fwd: %.*fs rx %.3f Mpps %.3f Gbps tx %.3f Mpps drop %" PRIu64
	       " copies %" PRIu64 " headers %" PRIu64 " zero-copy %" PRIu64
	       " cpu %.0f%% idle %.0f%%\n",
		app->opt.stats_period < 1 ? 1 : 0, seconds_between(&status->first, &t),
		(t.rx_packets - status->last.rx_packets) / s / 1e6,
		(t.rx_bytes - status->last.rx_bytes) * 8 / s / 1e9,
		(t.tx_packets - status->last.tx_packets) / s / 1e6,
		t.dropped - status->last.dropped, t.copies - status->last.copies,
		t.headers - status->last.headers, t.zero_copy - status->last.zero_copy,
		100 * (t.cpu - status->last.cpu) / s, idle_percent(app, &status->last, &t));
	app_output_flush();
	status->last = t;
	status->next_tsc += app->opt.stats_period * rte_get_tsc_hz();
	/* After a late tick (a busy machine) the next one does not come early. */
	status->next_tsc = RTE_MAX(status->next_tsc, t.tsc);
}

static void
print_text_total(const struct fwd_app *app, const struct fwd_totals *t)
{
	const struct fwd_totals *first = &app->status.first;

	printf("fido-fwd: summary: %.3f s, mode %s, idle %s, cpu %.3f s, idle %.0f%%\n",
		seconds_between(first, t), fwd_mode_name(app->opt.mode),
		fwd_idle_name(app->opt.idle), t->cpu - first->cpu, idle_percent(app, first, t));
	printf("fido-fwd: total: rx %" PRIu64 " packets %" PRIu64 " bytes, tx %" PRIu64
	       " packets %" PRIu64 " bytes, dropped %" PRIu64 ", lost %" PRIu64
	       ", header copies %" PRIu64 ", full copies %" PRIu64,
		t->rx_packets, t->rx_bytes, t->tx_packets, t->tx_bytes, t->dropped,
		t->rx_packets - t->tx_packets - t->dropped, t->header_copies, t->full_copies);
	if (app->opt.mode == FWD_TOUCH)
		printf(", sum 0x%016" PRIx64, t->sum);
	putchar('\n');
}

static void
print_text_stream(const struct fwd_app *app, const struct fwd_stream *s)
{
	const struct fwd_stream_counters *c = &s->counters;

	printf("fido-fwd: stream %s:%u -> %s:%u: rx %" PRIu64 " packets %" PRIu64
	       " bytes, tx %" PRIu64 " packets %" PRIu64 " bytes, dropped %" PRIu64
	       " (too long %" PRIu64 "), header copies %" PRIu64 ", full copies %" PRIu64
	       ", stalls %" PRIu64,
		app->port[s->rx_port].name, s->rx_queue, app->port[s->tx_port].name, s->tx_queue,
		fwd_read(&c->rx_packets), fwd_read(&c->rx_bytes), fwd_read(&c->tx_packets),
		fwd_read(&c->tx_bytes), fwd_read(&c->dropped_packets),
		fwd_read(&c->too_long_packets), fwd_read(&c->header_copies),
		fwd_read(&c->full_copies), fwd_read(&c->tx_stalls));
	if (app->opt.mode == FWD_TOUCH)
		printf(", sum 0x%016" PRIx64, fwd_read(&c->sum));
	putchar('\n');
}

/* Return the port's counters; zeros if the driver has none. */
static struct rte_eth_stats
get_stats(const struct fwd_port *port)
{
	struct rte_eth_stats stats;

	if (rte_eth_stats_get(port->id, &stats) != 0)
		memset(&stats, 0, sizeof(stats));
	return stats;
}

static void
print_text_port(const struct fwd_port *port)
{
	struct rte_eth_stats stats = get_stats(port);

	printf("fido-fwd: port %u %s: rx %" PRIu64 " packets %" PRIu64 " bytes, tx %" PRIu64
	       " packets %" PRIu64 " bytes, missed %" PRIu64 ", rx errors %" PRIu64
	       ", tx errors %" PRIu64 ", no buffer %" PRIu64,
		port->id, port->name, stats.ipackets, stats.ibytes, stats.opackets, stats.obytes,
		stats.imissed, stats.ierrors, stats.oerrors, stats.rx_nombuf);
	for (int i = 0; i < FWD_NB_PORT_COUNTERS; i++) {
		if (port->has_counter[i])
			printf(", %s %" PRIu64, fwd_port_counter_names[i],
				fwd_port_counter(port, i));
	}
	putchar('\n');
}

/* Print a quoted string. Names come from the command line, and may contain any character. */
static void
print_json_string(const char *text)
{
	putchar('"');
	for (; *text != '\0'; text++) {
		if (*text == '"' || *text == '\\')
			putchar('\\');
		putchar((unsigned char)*text < ' ' ? '?' : *text);
	}
	putchar('"');
}

static void
print_json_total(const struct fwd_app *app, const struct fwd_totals *t)
{
	const struct fwd_totals *first = &app->status.first;

	printf("{\"app\":\"fido-fwd\",\"mode\":\"%s\",\"idle\":\"%s\",\"seconds\":%.6f"
	       ",\"cpu_seconds\":%.6f,\"idle_percent\":%.2f",
		fwd_mode_name(app->opt.mode), fwd_idle_name(app->opt.idle),
		seconds_between(first, t), t->cpu - first->cpu, idle_percent(app, first, t));
	printf(",\"rx_packets\":%" PRIu64 ",\"rx_bytes\":%" PRIu64 ",\"tx_packets\":%" PRIu64
	       ",\"tx_bytes\":%" PRIu64 ",\"tx_dropped\":%" PRIu64 ",\"lost\":%" PRIu64
	       ",\"header_copies\":%" PRIu64 ",\"full_copies\":%" PRIu64 ",\"copies\":%" PRIu64
	       ",\"headers\":%" PRIu64 ",\"zero_copy\":%" PRIu64,
		t->rx_packets, t->rx_bytes, t->tx_packets, t->tx_bytes, t->dropped,
		t->rx_packets - t->tx_packets - t->dropped, t->header_copies, t->full_copies,
		t->copies, t->headers, t->zero_copy);
	if (app->opt.mode == FWD_TOUCH)
		printf(",\"sum\":\"0x%016" PRIx64 "\"", t->sum);
}

static void
print_json_stream(const struct fwd_app *app, const struct fwd_stream *s)
{
	const struct fwd_stream_counters *c = &s->counters;

	printf("{\"rx_port\":");
	print_json_string(app->port[s->rx_port].name);
	printf(",\"rx_queue\":%u,\"tx_port\":", s->rx_queue);
	print_json_string(app->port[s->tx_port].name);
	printf(",\"tx_queue\":%u,\"rx_packets\":%" PRIu64 ",\"rx_bytes\":%" PRIu64
	       ",\"tx_packets\":%" PRIu64 ",\"tx_bytes\":%" PRIu64 ",\"tx_dropped\":%" PRIu64
	       ",\"too_long\":%" PRIu64 ",\"header_copies\":%" PRIu64 ",\"full_copies\":%" PRIu64
	       ",\"tx_stalls\":%" PRIu64,
		s->tx_queue, fwd_read(&c->rx_packets), fwd_read(&c->rx_bytes),
		fwd_read(&c->tx_packets), fwd_read(&c->tx_bytes), fwd_read(&c->dropped_packets),
		fwd_read(&c->too_long_packets), fwd_read(&c->header_copies),
		fwd_read(&c->full_copies), fwd_read(&c->tx_stalls));
	if (app->opt.mode == FWD_TOUCH)
		printf(",\"sum\":\"0x%016" PRIx64 "\"", fwd_read(&c->sum));
	putchar('}');
}

static void
print_json_port(const struct fwd_port *port)
{
	struct rte_eth_stats stats = get_stats(port);

	printf("{\"port\":%u,\"name\":", port->id);
	print_json_string(port->name);
	printf(",\"driver\":");
	print_json_string(port->driver);
	printf(",\"rx_packets\":%" PRIu64 ",\"rx_bytes\":%" PRIu64 ",\"tx_packets\":%" PRIu64
	       ",\"tx_bytes\":%" PRIu64 ",\"rx_missed\":%" PRIu64 ",\"rx_errors\":%" PRIu64
	       ",\"tx_errors\":%" PRIu64 ",\"rx_no_buffer\":%" PRIu64,
		stats.ipackets, stats.ibytes, stats.opackets, stats.obytes, stats.imissed,
		stats.ierrors, stats.oerrors, stats.rx_nombuf);
	for (int i = 0; i < FWD_NB_PORT_COUNTERS; i++) {
		if (port->has_counter[i])
			printf(",\"%s\":%" PRIu64, fwd_port_counter_names[i],
				fwd_port_counter(port, i));
	}
	putchar('}');
}

static void
print_json(const struct fwd_app *app, const struct fwd_totals *t)
{
	const char *comma = "";

	print_json_total(app, t);
	printf(",\"streams\":[");
	for (unsigned int i = 0; i < app->nb_streams; i++) {
		if (i > 0)
			putchar(',');
		print_json_stream(app, &app->streams[i]);
	}
	printf("],\"ports\":[");
	for (unsigned int i = 0; i < RTE_MAX_ETHPORTS; i++) {
		if (!app->port[i].used)
			continue;
		printf("%s", comma);
		print_json_port(&app->port[i]);
		comma = ",";
	}
	printf("]}\n");
}

void
fwd_status_summary(struct fwd_app *app)
{
	struct fwd_totals t = add_up(app);

	if (app->opt.json) {
		print_json(app, &t);
	} else {
		print_text_total(app, &t);
		for (unsigned int i = 0; i < app->nb_streams; i++)
			print_text_stream(app, &app->streams[i]);
		for (unsigned int i = 0; i < RTE_MAX_ETHPORTS; i++) {
			if (app->port[i].used)
				print_text_port(&app->port[i]);
		}
	}
	app_output_flush();
}
