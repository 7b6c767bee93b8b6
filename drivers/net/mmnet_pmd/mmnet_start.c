/* SPDX-License-Identifier: BSD-3-Clause */
/* Start, stop and reset a port. */

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include <ethdev_driver.h>
#include <rte_common.h>
#include <rte_cycles.h>
#include <rte_ether.h>
#include <rte_malloc.h>
#include <rte_mbuf.h>

#include <fido/link.h>
#include <fido/rxq.h>
#include <fido/txq.h>

#include "mmnet_bounce.h"
#include "mmnet_chain.h"
#include "pmd_compat.h"
#include "mmnet_intr.h"
#include "mmnet_link.h"
#include "mmnet_log.h"
#include "mmnet_mtu.h"
#include "mmnet_pool.h"
#include "mmnet_port.h"
#include "mmnet_queue.h"
#include "mmnet_rss.h"
#include "mmnet_rx.h"
#include "mmnet_rx_config.h"
#include "mmnet_rx_mode.h"
#include "mmnet_rxq.h"
#include "mmnet_start.h"
#include "mmnet_stats.h"
#include "mmnet_tx.h"
#include "mmnet_tx_offload.h"
#include "mmnet_txq.h"

/*
 * A message that waits for mbufs makes the other rings of its queue wait this long, then lets them
 * go on as long.
 */
#define WAIT_TURN_MS 20

/* ---- start ---- */

static uint64_t
rearm_value(uint16_t headroom, uint16_t port_id)
{
	struct rte_mbuf m = {.data_off = headroom, .nb_segs = 1, .port = port_id};

	rte_mbuf_refcnt_set(&m, 1);
	return *(const uint64_t *)RTE_PTR_ADD(&m, offsetof(struct rte_mbuf, rearm_data));
}

static void
rxq_start(struct rte_eth_dev *dev, struct mmnet_rxq *rxq, struct fido_rxq *q)
{
	rxq->q = q;
	rxq->stopped = rxq->conf.rx_deferred_start;
	rxq->wait_turn = RTE_MAX(rte_get_tsc_hz() * WAIT_TURN_MS / MS_PER_S, UINT64_C(1));
	rxq->scatter = (dev->data->dev_conf.rxmode.offloads & RTE_ETH_RX_OFFLOAD_SCATTER) != 0;
	rxq->rearm = rearm_value(RTE_PKTMBUF_HEADROOM, rxq->port_id);
	rxq->pointer_rearm = rearm_value(0, rxq->port_id);
	if (rxq->pointers != NULL)
		rxq->pointers->q = q;
}

/* @return true when a transmit queue does offloads, or has several rings */
static bool
wants_offload(const struct rte_eth_dev *dev)
{
	const struct mmnet_port *port = mmnet_port_of(dev);
	uint64_t offloads = dev->data->dev_conf.txmode.offloads;

	for (uint16_t i = 0; i < port->ntx; i++)
		offloads |= port->txq[i]->conf.offloads;
	return (offloads & MMNET_TX_OFFLOADS) != 0 || port->spread > 1;
}

/* Choose burst functions that do only what the configuration asks for. */
static int
bursts_choose(struct rte_eth_dev *dev, unsigned int mode)
{
	const struct mmnet_rx_mode *rx = mmnet_rx_mode_get(mode);
	struct mmnet_port *port = mmnet_port_of(dev);

	port->mode = mode;
	mmnet_rx_configure(dev);
	dev->rx_pkt_burst = mmnet_rx_wants_offload(dev) ? rx->burst_offload : rx->burst;
	dev->tx_pkt_burst = mmnet_mtu_limits(port) ? mmnet_tx_burst_mtu : mmnet_tx_burst;
	dev->tx_pkt_prepare = mmnet_mtu_limits(port) ? mmnet_tx_prepare_mtu : PMD_NO_PREPARE;
	if (!wants_offload(dev))
		return 0;
	for (uint16_t i = 0; i < port->ntx; i += port->spread) {
		struct mmnet_txq *txq = port->txq[i];

		if (txq->peer == NULL)
			txq->peer = rte_zmalloc("mmnet_tx_peer", sizeof(*txq->peer),
				RTE_CACHE_LINE_SIZE);
		if (txq->peer == NULL)
			return -ENOMEM;
	}
	dev->tx_pkt_burst = mmnet_tx_burst_offload;
	dev->tx_pkt_prepare = mmnet_tx_prepare_offload;
	return 0;
}

static void
queues_start(struct rte_eth_dev *dev)
{
	struct mmnet_port *port = mmnet_port_of(dev);

	for (uint16_t i = 0; i < port->nrx; i++) {
		rxq_start(dev, port->rxq[i], fido_link_rxq(port->link, i));
		dev->data->rx_queue_state[i] = port->rxq[i]->stopped ? RTE_ETH_QUEUE_STATE_STOPPED
								     : RTE_ETH_QUEUE_STATE_STARTED;
	}
	for (uint16_t i = 0; i < port->ntx; i++) {
		struct mmnet_txq *txq = port->txq[i];

		txq->q = fido_link_txq(port->link, i);
		txq->lag = mmnet_tx_lag(port->ring_size);
		txq->many = RTE_MIN(port->ring_size * 3 / 8, MMNET_TX_MANY);
		if (port->nrx != 0) /* An lcore that sleeps on Rx also wakes for completions. */
			fido_txq_share_bell(txq->q, port->rxq[i % port->nrx]->q);
		if (txq->conf.tx_deferred_start)
			fido_txq_pause(txq->q);
		else
			fido_txq_resume(txq->q);
		dev->data->tx_queue_state[i / port->spread] = txq->conf.tx_deferred_start
			? RTE_ETH_QUEUE_STATE_STOPPED
			: RTE_ETH_QUEUE_STATE_STARTED;
	}
}

/*
 * ethdev does not check that queues have been set up.
 * @return false: some have not (message logged)
 */
static bool
has_queues(const struct rte_eth_dev *dev)
{
	const struct rte_eth_dev_data *data = dev->data;

	for (uint16_t i = 0; i < data->nb_rx_queues; i++)
		if (data->rx_queues[i] == NULL) {
			MMNET_LOG(ERR,
				"port %u: Rx queue %u is not set up: call rte_eth_rx_queue_setup() "
				"before the port is started",
				data->port_id, i);
			return false;
		}
	for (uint16_t i = 0; i < data->nb_tx_queues; i++)
		if (data->tx_queues[i] == NULL) {
			MMNET_LOG(ERR,
				"port %u: Tx queue %u is not set up: call rte_eth_tx_queue_setup() "
				"before the port is started",
				data->port_id, i);
			return false;
		}
	return true;
}

int
mmnet_start(struct rte_eth_dev *dev)
{
	struct mmnet_port *port = mmnet_port_of(dev);
	unsigned int mode;
	int ret = mmnet_rx_mode_choose(dev, &mode);

	if (ret != 0)
		return ret;
	if (!has_queues(dev))
		return -EINVAL;
	port->nrx = dev->data->nb_rx_queues;
	port->ntx = (uint16_t)(dev->data->nb_tx_queues * port->spread);
	port->ring_size = mmnet_tx_ring_size(dev);
	ret = mmnet_bounce_start(port);
	for (uint16_t i = 0; i < port->ntx && ret == 0; i++)
		ret = mmnet_chain_start(port->txq[i], port->ring_size);
	if (ret == 0)
		ret = fido_link_configure(port->link, port->ntx, port->nrx, port->ring_size);
	if (ret == 0) {
		queues_start(dev);
		ret = bursts_choose(dev, mode);
	}
	if (ret == 0)
		ret = mmnet_note_publish(dev);
	if (ret == 0)
		ret = mmnet_intr_start(dev);
	/*
	 * Before the link is open: it may come up at once, and mmnet_link_event() reports it only
	 * for a started port.
	 */
	port->admin_down = false;
	mmnet_link_update(dev, 0);
	port->started = true;
	if (ret == 0)
		ret = fido_link_open(port->link);
	if (ret != 0) {
		MMNET_LOG(ERR, "port %u: cannot start: %s", port->port_id, strerror(-ret));
		port->started = false;
		mmnet_intr_stop(dev);
		return ret;
	}
	return 0;
}

/* ---- stop ---- */

bool
mmnet_port_reap(struct mmnet_port *port)
{
	bool out = false;

	for (uint16_t i = 0; i < FIDO_LINK_QUEUES_MAX; i++)
		if (port->txq[i] != NULL && port->txq[i]->q != NULL) {
			mmnet_tx_reap(port->txq[i]);
			out |= fido_txq_out(port->txq[i]->q) != 0;
		}
	return !out;
}

void
mmnet_port_drain(struct mmnet_port *port, unsigned int ms)
{
	for (unsigned int i = 0; !mmnet_port_reap(port) && i < ms; i++)
		rte_delay_us_sleep(1000);
}

int
mmnet_stop(struct rte_eth_dev *dev)
{
	struct mmnet_port *port = mmnet_port_of(dev);

	if (!port->started)
		return 0;
	fido_link_quiesce(port->link);
	/* The peer may still take packets that were sent. */
	mmnet_port_drain(port, fido_link_is_connected(port->link) ? MMNET_STOP_WAIT_MS : 0);
	port->started = false;
	for (uint16_t i = 0; i < port->nrx; i++) {
		mmnet_rx_reset(port->rxq[i]);
		dev->data->rx_queue_state[i] = RTE_ETH_QUEUE_STATE_STOPPED;
	}
	fido_link_close(port->link);
	for (uint16_t i = 0; i < dev->data->nb_tx_queues; i++)
		dev->data->tx_queue_state[i] = RTE_ETH_QUEUE_STATE_STOPPED;
	mmnet_intr_stop(dev);
	mmnet_link_update(dev, 0);
	return 0;
}

/* ---- reset ---- */

void
mmnet_initial(struct rte_eth_dev *dev)
{
	struct mmnet_port *port = mmnet_port_of(dev);

	port->spread = 1;
	port->max_frame = MMNET_MAX_FRAME;
	port->macs[0] = port->args.mac;
	dev->data->promiscuous = 1;
	dev->data->all_multicast = 1;
	dev->rx_pkt_burst = rte_eth_pkt_burst_dummy;
	dev->tx_pkt_burst = rte_eth_pkt_burst_dummy;
	dev->tx_pkt_prepare = PMD_NO_PREPARE;
}

/* Reset ethdev's data to that of a new port. */
static void
forget_configuration(struct rte_eth_dev_data *data)
{
	for (uint16_t i = 0; i < data->nb_rx_queues; i++)
		data->rx_queues[i] = NULL;
	for (uint16_t i = 0; i < data->nb_tx_queues; i++)
		data->tx_queues[i] = NULL;
	data->nb_rx_queues = data->nb_tx_queues = 0;
	memset(&data->dev_conf, 0, sizeof(data->dev_conf));
	memset(data->mac_pool_sel, 0, sizeof(data->mac_pool_sel));
	data->mtu = RTE_ETHER_MTU;
	data->dev_configured = 0;
}

/*
 * The link and the queues stay, as when a port is reconfigured: peers may still hold their buffers,
 * and until those are back the link's name is in use. The configuration goes.
 */
int
mmnet_reset(struct rte_eth_dev *dev)
{
	struct mmnet_port *port = mmnet_port_of(dev);

	mmnet_stop(dev);
	/* The link is closed: the peer returns the packets that it has not taken. */
	mmnet_port_drain(port, MMNET_STOP_WAIT_MS);
	mmnet_stats_reset(dev);
	forget_configuration(dev->data);
	memset(port->macs, 0, sizeof(port->macs));
	memset(&port->note, 0, sizeof(port->note));
	rte_free(port->hash);
	port->hash = NULL;
	port->nrx = port->ntx = 0;
	port->mode = MMNET_RX_MODE_DEFAULT;
	port->admin_down = false;
	mmnet_initial(dev);
	return 0;
}
