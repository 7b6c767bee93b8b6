/* SPDX-License-Identifier: BSD-3-Clause */
/* Counters: those of the queues since the last reset. */

#include <stddef.h>
#include <stdio.h>

#include <ethdev_driver.h>
#include <rte_common.h>

#include "pmd_compat.h"
#include "vtap_port.h"
#include "vtap_stats.h"

struct counter {
	const char *name;
	size_t offset;
};

#define RX(field) offsetof(struct vtap_rx_counters, field)
#define TX(field) offsetof(struct vtap_tx_counters, field)

static const struct counter rx_counters[] = {
	{"unfinished_packets", RX(unfinished)},
	{"large_packets", RX(large)},
	{"finished_packets", RX(finished)},
	{"bad_header", RX(bad_header)},
	{"too_long", RX(too_long)},
	{"no_buffer", RX(no_buffer)},
	{"failed_reads", RX(failed)},
};

static const struct counter tx_counters[] = {
	{"unfinished_packets", TX(unfinished)},
	{"large_packets", TX(large)},
	{"header_copies", TX(header_copies)},
	{"invalid", TX(invalid)},
	{"too_long", TX(too_long)},
	{"refused", TX(refused)},
};

/*
 * @return a counter's increase since the last reset. The queue's lcore writes the counters
 * meanwhile: read each once.
 */
static uint64_t
since(const void *now, const void *base, size_t offset)
{
	const volatile uint64_t *value = (const volatile uint64_t *)((const char *)now + offset);

	return *value - *(const uint64_t *)((const char *)base + offset);
}

static uint64_t
rx_get(const struct vtap_rxq *q, size_t offset)
{
	return q != NULL ? since(&q->now, &q->base, offset) : 0;
}

static uint64_t
tx_get(const struct vtap_txq *q, size_t offset)
{
	return q != NULL ? since(&q->now, &q->base, offset) : 0;
}

static void
fill_rx(struct vtap_port *port, uint16_t i, struct rte_eth_stats *stats,
	struct pmd_queue_stats *queues)
{
	const struct vtap_rxq *q = port->rxq[i];
	uint64_t errors = rx_get(q, RX(bad_header)) + rx_get(q, RX(too_long));

	stats->ipackets += rx_get(q, RX(packets));
	stats->ibytes += rx_get(q, RX(bytes));
	stats->ierrors += errors;
	stats->rx_nombuf += rx_get(q, RX(no_buffer));
	if (queues == NULL || i >= RTE_ETHDEV_QUEUE_STAT_CNTRS)
		return;
	queues->q_ipackets[i] = rx_get(q, RX(packets));
	queues->q_ibytes[i] = rx_get(q, RX(bytes));
	queues->q_errors[i] = errors;
}

int
vtap_stats_fill(struct rte_eth_dev *dev, struct rte_eth_stats *stats,
	struct pmd_queue_stats *queues)
{
	struct vtap_port *port = vtap_port_of(dev);

	for (uint16_t i = 0; i < dev->data->nb_rx_queues; i++)
		fill_rx(port, i, stats, queues);
	for (uint16_t i = 0; i < dev->data->nb_tx_queues; i++) {
		const struct vtap_txq *q = port->txq[i];

		stats->opackets += tx_get(q, TX(packets));
		stats->obytes += tx_get(q, TX(bytes));
		stats->oerrors +=
			tx_get(q, TX(invalid)) + tx_get(q, TX(too_long)) + tx_get(q, TX(refused));
		if (queues == NULL || i >= RTE_ETHDEV_QUEUE_STAT_CNTRS)
			continue;
		queues->q_opackets[i] = tx_get(q, TX(packets));
		queues->q_obytes[i] = tx_get(q, TX(bytes));
	}
	return 0;
}

int
vtap_stats_reset(struct rte_eth_dev *dev)
{
	struct vtap_port *port = vtap_port_of(dev);

	for (uint16_t i = 0; i < VTAP_QUEUES_MAX; i++) {
		if (port->rxq[i] != NULL)
			port->rxq[i]->base = port->rxq[i]->now;
		if (port->txq[i] != NULL)
			port->txq[i]->base = port->txq[i]->now;
	}
	return 0;
}

/* ---- extended statistics, summed up over the queues ---- */

#define XSTATS (RTE_DIM(rx_counters) + RTE_DIM(tx_counters))

int
vtap_xstats_get(struct rte_eth_dev *dev, struct rte_eth_xstat *xstats, unsigned int n)
{
	const struct vtap_port *port = vtap_port_of(dev);

	if (n < XSTATS)
		return XSTATS;
	for (unsigned int k = 0; k < XSTATS; k++) {
		xstats[k].id = k;
		xstats[k].value = 0;
		for (uint16_t i = 0; i < VTAP_QUEUES_MAX; i++)
			xstats[k].value += k < RTE_DIM(rx_counters)
				? rx_get(port->rxq[i], rx_counters[k].offset)
				: tx_get(port->txq[i],
					  tx_counters[k - RTE_DIM(rx_counters)].offset);
	}
	return XSTATS;
}

int
vtap_xstats_get_names(struct rte_eth_dev *dev, struct rte_eth_xstat_name *names, unsigned int n)
{
	(void)dev;
	if (names == NULL || n < XSTATS)
		return XSTATS;
	for (unsigned int k = 0; k < XSTATS; k++) {
		bool rx = k < RTE_DIM(rx_counters);

		snprintf(names[k].name, sizeof(names[k].name), "%s_%s", rx ? "rx" : "tx",
			rx ? rx_counters[k].name : tx_counters[k - RTE_DIM(rx_counters)].name);
	}
	return XSTATS;
}
