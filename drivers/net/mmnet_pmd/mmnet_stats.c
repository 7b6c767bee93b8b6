/* SPDX-License-Identifier: BSD-3-Clause */
/* Counters: libfido's, which fido-ctl sees too, less what they were at the last reset. */

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "mmnet.h"

struct counter {
	const char *name;
	size_t offset;
};

#define TX(field) offsetof(struct fido_tx_stats_shm, field)
#define RX(field) offsetof(struct fido_rx_stats_shm, field)

static const struct counter rx_counters[] = {
	{"rx_zero_copy_packets", RX(zero_copy)},
	{"rx_header_packets", RX(header)},
	{"rx_copied_packets", RX(copied)},
	{"rx_bad_descriptors", RX(bad)},
	{"rx_too_long", RX(too_long)},
	{"rx_no_buffer", RX(no_buffer)},
	{"rx_doorbells", RX(doorbells)},
	{"rx_armed", RX(wakeups)},
};

static const struct counter tx_counters[] = {
	{"tx_zero_copy_packets", TX(zero_copy)},
	{"tx_forwarded_packets", TX(forwarded)},
	{"tx_copied_packets", TX(copied)},
	{"tx_error_completions", TX(errors)},
	{"tx_ring_full", TX(ring_full)},
	{"tx_doorbells", TX(doorbells)},
	{"tx_dropped", TX(dropped)},
};

/* Beside the sums above: what is out and held now. */
static const char *const gauges[] = {"rx_buffers_held", "tx_buffers_out"};

#define XSTATS (RTE_DIM(rx_counters) + RTE_DIM(tx_counters) + RTE_DIM(gauges))

/* A counter that another thread writes, since the last reset. */
static uint64_t
since(const void *now, const void *base, size_t offset)
{
	const uint64_t *n = (const uint64_t *)((const char *)now + offset);
	const uint64_t *b = (const uint64_t *)((const char *)base + offset);

	return fido_load_relaxed(n) - *b;
}

static uint64_t
rx_get(const struct mmnet_rxq *rxq, size_t offset)
{
	return rxq != NULL && rxq->q != NULL ? since(rxq->q->stats, &rxq->base, offset) : 0;
}

static uint64_t
tx_get(const struct mmnet_txq *txq, size_t offset)
{
	return txq != NULL && txq->q != NULL ? since(txq->q->stats, &txq->base, offset) : 0;
}

int
mmnet_stats_get(struct rte_eth_dev *dev, struct rte_eth_stats *stats)
{
	const struct mmnet_port *port = dev->data->dev_private;

	for (uint16_t i = 0; i < port->nrx; i++) {
		uint64_t packets = rx_get(port->rxq[i], RX(packets));
		uint64_t bytes = rx_get(port->rxq[i], RX(bytes));
		uint64_t errors = rx_get(port->rxq[i], RX(bad)) + rx_get(port->rxq[i], RX(too_long));

		stats->ipackets += packets;
		stats->ibytes += bytes;
		stats->ierrors += errors;
		stats->rx_nombuf += rx_get(port->rxq[i], RX(no_buffer));
		if (i < RTE_ETHDEV_QUEUE_STAT_CNTRS) {
			stats->q_ipackets[i] = packets;
			stats->q_ibytes[i] = bytes;
			stats->q_errors[i] = errors;
		}
	}
	for (uint16_t i = 0; i < port->ntx; i++) {
		uint64_t packets = tx_get(port->txq[i], TX(packets));
		uint64_t bytes = tx_get(port->txq[i], TX(bytes));

		stats->opackets += packets;
		stats->obytes += bytes;
		stats->oerrors += tx_get(port->txq[i], TX(dropped));
		if (i < RTE_ETHDEV_QUEUE_STAT_CNTRS) {
			stats->q_opackets[i] = packets;
			stats->q_obytes[i] = bytes;
		}
	}
	return 0;
}

int
mmnet_stats_reset(struct rte_eth_dev *dev)
{
	struct mmnet_port *port = dev->data->dev_private;

	for (uint16_t i = 0; i < port->nrx; i++)
		if (port->rxq[i] != NULL && port->rxq[i]->q != NULL)
			port->rxq[i]->base = *port->rxq[i]->q->stats;
	for (uint16_t i = 0; i < port->ntx; i++)
		if (port->txq[i] != NULL && port->txq[i]->q != NULL)
			port->txq[i]->base = *port->txq[i]->q->stats;
	return 0;
}

static uint64_t
rx_sum(const struct mmnet_port *port, size_t offset)
{
	uint64_t sum = 0;

	for (uint16_t i = 0; i < port->nrx; i++)
		sum += rx_get(port->rxq[i], offset);
	return sum;
}

static uint64_t
tx_sum(const struct mmnet_port *port, size_t offset)
{
	uint64_t sum = 0;

	for (uint16_t i = 0; i < port->ntx; i++)
		sum += tx_get(port->txq[i], offset);
	return sum;
}

static uint64_t
held(const struct mmnet_port *port)
{
	uint64_t sum = 0;

	for (uint16_t i = 0; i < port->nrx; i++)
		if (port->rxq[i] != NULL && port->rxq[i]->q != NULL)
			sum += fido_rxq_held(port->rxq[i]->q);
	return sum;
}

static uint64_t
out(const struct mmnet_port *port)
{
	uint64_t sum = 0;

	for (uint16_t i = 0; i < port->ntx; i++)
		if (port->txq[i] != NULL && port->txq[i]->q != NULL)
			sum += fido_txq_out(port->txq[i]->q);
	return sum;
}

int
mmnet_xstats_get(struct rte_eth_dev *dev, struct rte_eth_xstat *xstats, unsigned int n)
{
	const struct mmnet_port *port = dev->data->dev_private;
	unsigned int k = 0;

	if (n < XSTATS)
		return XSTATS;
	for (unsigned int i = 0; i < RTE_DIM(rx_counters); i++)
		xstats[k++].value = rx_sum(port, rx_counters[i].offset);
	for (unsigned int i = 0; i < RTE_DIM(tx_counters); i++)
		xstats[k++].value = tx_sum(port, tx_counters[i].offset);
	xstats[k++].value = held(port);
	xstats[k++].value = out(port);
	for (unsigned int i = 0; i < k; i++)
		xstats[i].id = i;
	return (int)k;
}

int
mmnet_xstats_get_names(struct rte_eth_dev *dev, struct rte_eth_xstat_name *names, unsigned int n)
{
	unsigned int k = 0;

	(void)dev;
	if (names == NULL || n < XSTATS)
		return XSTATS;
	for (unsigned int i = 0; i < RTE_DIM(rx_counters); i++)
		snprintf(names[k++].name, sizeof(names->name), "%s", rx_counters[i].name);
	for (unsigned int i = 0; i < RTE_DIM(tx_counters); i++)
		snprintf(names[k++].name, sizeof(names->name), "%s", tx_counters[i].name);
	for (unsigned int i = 0; i < RTE_DIM(gauges); i++)
		snprintf(names[k++].name, sizeof(names->name), "%s", gauges[i]);
	return (int)k;
}
