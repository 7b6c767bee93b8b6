/* SPDX-License-Identifier: BSD-3-Clause */
/* The result: one line of JSON. */

#include <inttypes.h>
#include <stdlib.h>

#include <rte_ethdev.h>

#include "pktcheck.h"

uint64_t
buffers_out(const struct app *app)
{
	uint64_t sum = 0;

	for (uint16_t port = 0; port < app->nports; port++) {
		uint64_t id, value;

		if (rte_eth_xstats_get_id_by_name(port, "tx_buffers_out", &id) == 0 &&
			rte_eth_xstats_get_by_id(port, &id, &value, 1) == 1)
			sum += value;
	}
	return sum;
}

static void
print_xstats(uint16_t port)
{
	int n = rte_eth_xstats_get_names(port, NULL, 0);
	struct rte_eth_xstat_name *names = calloc((size_t)n, sizeof(*names));
	struct rte_eth_xstat *values = calloc((size_t)n, sizeof(*values));

	if (names != NULL && values != NULL &&
		rte_eth_xstats_get_names(port, names, (unsigned int)n) == n &&
		rte_eth_xstats_get(port, values, (unsigned int)n) == n)
		for (int i = 0; i < n; i++)
			printf("%s\"%s\":%" PRIu64, i == 0 ? "" : ",", names[values[i].id].name,
				values[i].value);
	free(names);
	free(values);
}

static void
print_port(const struct app *app, uint16_t port)
{
	char name[RTE_ETH_NAME_MAX_LEN] = "";

	rte_eth_dev_get_name_by_port(port, name);
	printf("{\"name\":\"%s\",\"link\":%d,\"xstats\":{", name, app->link[port]);
	print_xstats(port);
	printf("}}");
}

static void
print_flow(const struct flow *f)
{
	printf("{\"seed\":%u,\"queue\":%u,\"rxq\":%u,\"packets\":%" PRIu64 ",\"bytes\":%" PRIu64
	       ",\"first\":%" PRIu64 ",\"last\":%" PRIu64 ",\"lost\":%" PRIu64
	       ",\"duplicate\":%" PRIu64 ",\"late\":%" PRIu64 ",\"wrong_queue\":%" PRIu64 "}",
		f->seed, f->queue, f->rxq, f->packets, f->bytes, f->first, f->last, flow_lost(f),
		f->duplicate, f->late, f->wrong_queue);
}

static void
print_totals(const struct app *app, unsigned int in_use)
{
	uint64_t lost = 0, duplicate = 0, late = 0, wrong = 0;

	for (unsigned int i = 0; i < app->flows.count; i++) {
		const struct flow *f = &app->flows.flow[i];

		lost += flow_lost(f);
		duplicate += f->duplicate;
		late += f->late;
		wrong += f->wrong_queue;
	}
	printf("{\"app\":\"pktcheck\",\"tx_packets\":%" PRIu64 ",\"tx_bytes\":%" PRIu64
	       ",\"tx_refused\":%" PRIu64 ",\"tx_max_burst\":%" PRIu64 ",\"rx_packets\":%" PRIu64
	       ",\"rx_own\":%" PRIu64 ",\"rx_bytes\":%" PRIu64 ",\"rx_max_segs\":%" PRIu64
	       ",\"rx_max_burst\":%" PRIu64,
		app->tx_packets, app->tx_bytes, app->tx_refused, app->tx_max_burst, app->rx_packets,
		app->rx_own, app->rx_bytes, app->rx_max_segs, app->rx_max_burst);
	printf(",\"corrupt\":%" PRIu64 ",\"swapped\":%" PRIu64 ",\"lost\":%" PRIu64
	       ",\"duplicate\":%" PRIu64 ",\"late\":%" PRIu64 ",\"wrong_queue\":%" PRIu64
	       ",\"unknown\":%" PRIu64 ",\"checked\":%" PRIu64,
		app->corrupt, app->swapped, lost, duplicate, late, wrong, app->flows.unknown,
		app->checked);
	printf(",\"seconds\":%.6f,\"mbufs_missing\":%u,\"pools\":%" PRIu64
	       ",\"pages_added\":%" PRIu64 ",\"pages_freed\":%" PRIu64,
		app->seconds, in_use, app->pools, app->pages_added, app->pages_freed);
	printf(",\"halts\":%" PRIu64 ",\"halt_wrong\":%" PRIu64 ",\"halt_waiting\":%" PRIu64
	       ",\"resets\":%" PRIu64 ",\"reset_wrong\":%" PRIu64 ",\"reset_out\":%" PRIu64
	       ",\"times_right\":%" PRIu64 ",\"times_wrong\":%" PRIu64 ",\"times_own\":%" PRIu64
	       ",\"monitor_seen\":%" PRIu64 ",\"monitor_empty\":%" PRIu64
	       ",\"monitor_wrong\":%" PRIu64 ",\"monitor_refused\":%" PRIu64,
		app->halts, app->halt_wrong, app->halt_waiting, app->resets, app->reset_wrong,
		app->reset_out, app->times_right, app->times_wrong, app->times_own,
		app->monitor_seen, app->monitor_empty, app->monitor_wrong, app->monitor_refused);
}

void
report(struct app *app, unsigned int in_use)
{
	print_totals(app, in_use);
	printf(",\"flows\":[");
	for (unsigned int i = 0; i < app->flows.count; i++) {
		printf("%s", i == 0 ? "" : ",");
		print_flow(&app->flows.flow[i]);
	}
	printf("],\"ports\":[");
	for (uint16_t port = 0; port < app->nports; port++) {
		printf("%s", port == 0 ? "" : ",");
		print_port(app, port);
	}
	printf("]}\n");
	fflush(stdout);
}
