/* SPDX-License-Identifier: BSD-3-Clause */
/* Counters: libfido's, which fido-ctl also reads, minus their values at the last reset. */

#include <errno.h>
#include <stddef.h>
#include <stdio.h>

#include <ethdev_driver.h>
#include <rte_common.h>

#include <fido/counters_shm.h>

#include "pmd_compat.h"
#include "mmnet_port.h"
#include "mmnet_rxq.h"
#include "mmnet_stats.h"
#include "mmnet_txq.h"
#include "mmnet_view.h"

struct counter {
	const char *name;
	size_t offset;
};

#define TX(field) offsetof(struct fido_tx_stats_shm, field)
#define RX(field) offsetof(struct fido_rx_stats_shm, field)

static const struct counter rx_counters[] = {
	{"zero_copy_packets", RX(zero_copy)},
	{"header_packets", RX(header)},
	{"copied_packets", RX(copied)},
	{"bad_descriptors", RX(bad)},
	{"too_long", RX(too_long)},
	{"no_buffer", RX(no_buffer)},
	{"doorbells", RX(doorbells)},
	{"armed", RX(wakeups)},
};

static const struct counter tx_counters[] = {
	{"zero_copy_packets", TX(zero_copy)},
	{"forwarded_packets", TX(forwarded)},
	{"copied_packets", TX(copied)},
	{"error_completions", TX(errors)},
	{"ring_full", TX(ring_full)},
	{"doorbells", TX(doorbells)},
	{"dropped", TX(dropped)},
};

/* The counters, and the number of descriptors held or out now. */
#define RX_XSTATS (RTE_DIM(rx_counters) + 1)
#define TX_XSTATS (RTE_DIM(tx_counters) + 1)

/* @return a counter's increase since the last reset */
static uint64_t
since(const void *now, const void *base, size_t offset)
{
	return *(const uint64_t *)((const char *)now + offset) -
		*(const uint64_t *)((const char *)base + offset);
}

static uint64_t
rx_get(const struct mmnet_rxq *rxq, size_t offset)
{
	return rxq != NULL ? since(&rxq->now, &rxq->base, offset) : 0;
}

static uint64_t
tx_get(const struct mmnet_txq *txq, size_t offset)
{
	return txq != NULL ? since(&txq->now, &txq->base, offset) : 0;
}

int
mmnet_stats_fill(struct rte_eth_dev *dev, struct rte_eth_stats *stats,
	struct pmd_queue_stats *queues)
{
	const struct mmnet_port *port = dev->data->dev_private;
	int ret = mmnet_view_update(dev);

	if (ret != 0)
		return ret;
	for (uint16_t i = 0; i < port->nrx; i++) {
		uint64_t packets = rx_get(port->rxq[i], RX(packets));
		uint64_t bytes = rx_get(port->rxq[i], RX(bytes));
		uint64_t errors =
			rx_get(port->rxq[i], RX(bad)) + rx_get(port->rxq[i], RX(too_long));

		stats->ipackets += packets;
		stats->ibytes += bytes;
		stats->ierrors += errors;
		stats->rx_nombuf += rx_get(port->rxq[i], RX(no_buffer));
		if (queues != NULL && i < RTE_ETHDEV_QUEUE_STAT_CNTRS) {
			queues->q_ipackets[i] = packets;
			queues->q_ibytes[i] = bytes;
			queues->q_errors[i] = errors;
		}
	}
	for (uint16_t i = 0; i < port->ntx; i++) {
		uint64_t packets = tx_get(port->txq[i], TX(packets));
		uint64_t bytes = tx_get(port->txq[i], TX(bytes));

		stats->opackets += packets;
		stats->obytes += bytes;
		stats->oerrors += tx_get(port->txq[i], TX(dropped));
		if (queues != NULL && i / port->spread < RTE_ETHDEV_QUEUE_STAT_CNTRS) {
			queues->q_opackets[i / port->spread] += packets;
			queues->q_obytes[i / port->spread] += bytes;
		}
	}
	return 0;
}

int
mmnet_stats_reset(struct rte_eth_dev *dev)
{
	struct mmnet_port *port = dev->data->dev_private;
	int ret = mmnet_view_update(dev);

	if (ret != 0)
		return ret;
	for (uint16_t i = 0; i < port->nrx_made; i++)
		if (port->rxq[i] != NULL)
			port->rxq[i]->base = port->rxq[i]->now;
	for (uint16_t i = 0; i < port->ntx_made; i++)
		if (port->txq[i] != NULL)
			port->txq[i]->base = port->txq[i]->now;
	return 0;
}

/* ---- extended statistics: of the port, then of each queue ---- */

static unsigned int
xstats_count(const struct mmnet_port *port)
{
	return (unsigned int)((port->nrx + 1u) * RX_XSTATS + (port->ntx + 1u) * TX_XSTATS);
}

/* Sum up the extended statistics of queues [from, to). @return RX_XSTATS */
static unsigned int
rx_xstats(const struct mmnet_port *port, uint16_t from, uint16_t to, struct rte_eth_xstat *xstats)
{
	uint64_t held = 0;
	unsigned int k;

	for (k = 0; k < RTE_DIM(rx_counters); k++) {
		xstats[k].value = 0;
		for (uint16_t i = from; i < to; i++)
			xstats[k].value += rx_get(port->rxq[i], rx_counters[k].offset);
	}
	for (uint16_t i = from; i < to; i++) {
		const struct mmnet_rxq *rxq = port->rxq[i];

		/*
		 * The two were read one after the other while they grew, so the difference may be
		 * negative.
		 */
		if (rxq != NULL && rxq->now.polled > rxq->now.completed)
			held += rxq->now.polled - rxq->now.completed;
	}
	xstats[k++].value = held;
	return k;
}

static unsigned int
tx_xstats(const struct mmnet_port *port, uint16_t from, uint16_t to, struct rte_eth_xstat *xstats)
{
	uint64_t out = 0;
	unsigned int k;

	for (k = 0; k < RTE_DIM(tx_counters); k++) {
		xstats[k].value = 0;
		for (uint16_t i = from; i < to; i++)
			xstats[k].value += tx_get(port->txq[i], tx_counters[k].offset);
	}
	for (uint16_t i = from; i < to; i++)
		out += port->txq[i] != NULL ? port->txq[i]->out : 0;
	xstats[k++].value = out;
	return k;
}

int
mmnet_xstats_get(struct rte_eth_dev *dev, struct rte_eth_xstat *xstats, unsigned int n)
{
	const struct mmnet_port *port = dev->data->dev_private;
	unsigned int k = 0;
	int ret;

	/* In a secondary process whose primary has closed the port. */
	if (port == NULL)
		return -ENODEV;
	if (n < xstats_count(port))
		return (int)xstats_count(port);
	ret = mmnet_view_update(dev);
	if (ret != 0)
		return ret;
	k += rx_xstats(port, 0, port->nrx, xstats);
	k += tx_xstats(port, 0, port->ntx, xstats + k);
	for (uint16_t i = 0; i < port->nrx; i++)
		k += rx_xstats(port, i, i + 1, xstats + k);
	for (uint16_t i = 0; i < port->ntx; i++)
		k += tx_xstats(port, i, i + 1, xstats + k);
	for (unsigned int i = 0; i < k; i++)
		xstats[i].id = i;
	return (int)k;
}

/* Write the names of n counters, then `last`. @return number of names */
static unsigned int
name_set(struct rte_eth_xstat_name *names, const char *prefix, const struct counter *counters,
	unsigned int n, const char *last)
{
	for (unsigned int i = 0; i < n; i++)
		snprintf(names[i].name, sizeof(names[i].name), "%s_%s", prefix, counters[i].name);
	snprintf(names[n].name, sizeof(names[n].name), "%s_%s", prefix, last);
	return n + 1;
}

static unsigned int
rx_names(struct rte_eth_xstat_name *names, const char *prefix)
{
	return name_set(names, prefix, rx_counters, RTE_DIM(rx_counters), "buffers_held");
}

static unsigned int
tx_names(struct rte_eth_xstat_name *names, const char *prefix)
{
	return name_set(names, prefix, tx_counters, RTE_DIM(tx_counters), "buffers_out");
}

int
mmnet_xstats_get_names(struct rte_eth_dev *dev, struct rte_eth_xstat_name *names, unsigned int n)
{
	const struct mmnet_port *port = dev->data->dev_private;
	unsigned int k = 0;
	char prefix[16];

	if (port == NULL)
		return -ENODEV;
	if (names == NULL || n < xstats_count(port))
		return (int)xstats_count(port);
	k += rx_names(names, "rx");
	k += tx_names(names + k, "tx");
	for (uint16_t i = 0; i < port->nrx; i++) {
		snprintf(prefix, sizeof(prefix), "rx_q%u", i);
		k += rx_names(names + k, prefix);
	}
	for (uint16_t i = 0; i < port->ntx; i++) {
		snprintf(prefix, sizeof(prefix), "tx_q%u", i);
		k += tx_names(names + k, prefix);
	}
	return (int)k;
}
