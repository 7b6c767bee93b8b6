/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Queues, one at a time: set-up, start and stop, descriptors in their rings, the address at which
 * the next packet appears.
 *
 * An Rx queue reads the rings of all of the peer's queues that are assigned to it. Where ethdev
 * asks about one ring, they count as one, of the sum of their sizes.
 */

#include <errno.h>
#include <stdio.h>

#include <ethdev_driver.h>
#include <rte_bitops.h>
#include <rte_common.h>
#include <rte_cycles.h>
#include <rte_lcore.h>
#include <rte_malloc.h>
#include <rte_mbuf.h>
#include <rte_mempool.h>
#include <rte_power_intrinsics.h>

#include <fido/doorbell.h>
#include <fido/link.h>
#include <fido/lock.h>
#include <fido/rxq.h>
#include <fido/txq.h>

#include "pmd_compat.h"
#include "mmnet_log.h"
#include "mmnet_pool.h"
#include "mmnet_port.h"
#include "mmnet_queue.h"
#include "mmnet_rx.h"
#include "mmnet_rx_mode.h"
#include "mmnet_rxq.h"
#include "mmnet_tx.h"
#include "mmnet_txq.h"
#include "mmnet_view.h"

/* ---- set-up ---- */

int
mmnet_rx_queue_setup(struct rte_eth_dev *dev, uint16_t i, uint16_t n, unsigned int socket,
	const struct rte_eth_rxconf *conf, struct rte_mempool *mp)
{
	struct mmnet_port *port = mmnet_port_of(dev);
	struct mmnet_rxq *rxq = port->rxq[i];
	bool needs_pointers = mmnet_rx_mode_get(port->args.rx)->needs_pointers;
	char name[RTE_MEMPOOL_NAMESIZE];

	if (rxq == NULL) {
		rxq = rte_zmalloc_socket("mmnet_rxq", sizeof(*rxq), RTE_CACHE_LINE_SIZE,
			(int)socket);
		if (rxq == NULL)
			return -ENOMEM;
		snprintf(name, sizeof(name), "mmnet_%u_%u_%lx", port->port_id, i,
			(unsigned long)rte_rdtsc() & 0xffffff);
		if (needs_pointers)
			rxq->pointers = mmnet_pointers_create(name, RTE_MAX(n, MMNET_DEFAULT_DESC),
				(int)socket);
		if (needs_pointers && rxq->pointers == NULL) {
			MMNET_LOG(ERR,
				"port %u: no memory for %u pointer mbufs of Rx queue %u: give EAL "
				"more memory, or use rx=copy",
				port->port_id, n, i);
			rte_free(rxq);
			return -ENOMEM;
		}
	}
	rxq->mp = mp;
	rxq->nb_desc = n;
	rxq->conf = (struct rte_eth_rxconf){.rx_free_thresh = conf->rx_free_thresh,
		.rx_deferred_start = conf->rx_deferred_start,
		.offloads = conf->offloads};
	rxq->room = rte_pktmbuf_data_room_size(mp) - RTE_PKTMBUF_HEADROOM;
	/* Mbufs of a pool with pinned external buffers always have this flag. */
	rxq->fresh_flags = rte_pktmbuf_priv_flags(mp) & RTE_PKTMBUF_POOL_F_PINNED_EXT_BUF
		? RTE_MBUF_F_EXTERNAL
		: 0;
	rxq->port_id = port->port_id;
	rxq->port = port;
	port->rxq[i] = rxq;
	port->nrx_made = RTE_MAX(port->nrx_made, (uint16_t)(i + 1));
	dev->data->rx_queues[i] = rxq;
	return 0;
}

static int
lane_setup(struct rte_eth_dev *dev, uint16_t ring, unsigned int socket,
	const struct rte_eth_txconf *conf)
{
	struct mmnet_port *port = mmnet_port_of(dev);
	struct mmnet_txq *txq = port->txq[ring];
	uint64_t offloads;

	if (txq == NULL)
		txq = rte_zmalloc_socket("mmnet_txq", sizeof(*txq), RTE_CACHE_LINE_SIZE,
			(int)socket);
	if (txq == NULL)
		return -ENOMEM;
	txq->port = port;
	txq->index = ring;
	txq->lcore = LCORE_ID_ANY;
	offloads = conf->offloads | dev->data->dev_conf.txmode.offloads;
	txq->fast_free =
		(offloads & (RTE_ETH_TX_OFFLOAD_MBUF_FAST_FREE | RTE_ETH_TX_OFFLOAD_MULTI_SEGS)) ==
		RTE_ETH_TX_OFFLOAD_MBUF_FAST_FREE;
	txq->conf = (struct rte_eth_txconf){.tx_deferred_start = conf->tx_deferred_start,
		.offloads = conf->offloads};
	port->txq[ring] = txq;
	port->ntx_made = RTE_MAX(port->ntx_made, (uint16_t)(ring + 1));
	return 0;
}

int
mmnet_tx_queue_setup(struct rte_eth_dev *dev, uint16_t i, uint16_t n, unsigned int socket,
	const struct rte_eth_txconf *conf)
{
	struct mmnet_port *port = mmnet_port_of(dev);
	int ret = 0;

	for (uint16_t k = 0; k < port->spread && ret == 0; k++)
		ret = lane_setup(dev, (uint16_t)(i * port->spread + k), socket, conf);
	if (ret != 0)
		return ret;
	port->txq[i * port->spread]->nb_desc = n;
	dev->data->tx_queues[i] = port->txq[i * port->spread];
	return 0;
}

/* Queues stay until the port is closed: the peer may still hold buffers that they sent. */
void
mmnet_queue_release(struct rte_eth_dev *dev, uint16_t i)
{
	(void)dev;
	(void)i;
}

/* ---- start and stop ---- */

static void
set_stopped(struct mmnet_rxq *rxq, bool stopped)
{
	/* Let a burst that is under way end. */
	fido_lock_take(&rxq->q->lock);
	rxq->stopped = stopped;
	/* Mbufs that are reserved for an unfinished message stay. */
	if (stopped && rxq->head == NULL && !rxq->expecting)
		mmnet_rx_free_fresh(rxq);
	fido_lock_release(&rxq->q->lock);
}

int
mmnet_rx_queue_start(struct rte_eth_dev *dev, uint16_t i)
{
	struct mmnet_rxq *rxq = mmnet_port_of(dev)->rxq[i];

	set_stopped(rxq, false);
	dev->data->rx_queue_state[i] = RTE_ETH_QUEUE_STATE_STARTED;
	/* Its thread may sleep, and the doorbell is not rung again for packets that came before. */
	if (dev->data->dev_conf.intr_conf.rxq != 0)
		fido_doorbell_ring(rxq->q->bell);
	return 0;
}

int
mmnet_rx_queue_stop(struct rte_eth_dev *dev, uint16_t i)
{
	set_stopped(mmnet_port_of(dev)->rxq[i], true);
	/* It may never be polled again. */
	mmnet_rx_settle(mmnet_port_of(dev)->rxq[i]);
	dev->data->rx_queue_state[i] = RTE_ETH_QUEUE_STATE_STOPPED;
	return 0;
}

int
mmnet_tx_queue_start(struct rte_eth_dev *dev, uint16_t i)
{
	const struct mmnet_port *port = mmnet_port_of(dev);

	for (uint16_t k = 0; k < port->spread; k++)
		fido_txq_resume(port->txq[i * port->spread + k]->q);
	dev->data->tx_queue_state[i] = RTE_ETH_QUEUE_STATE_STARTED;
	return 0;
}

static void
txq_drain(struct mmnet_txq *txq, unsigned int ms)
{
	mmnet_tx_reap(txq);
	for (unsigned int i = 0; fido_txq_out(txq->q) != 0 && i < ms; i++) {
		rte_delay_us_sleep(1000);
		mmnet_tx_reap(txq);
	}
}

/*
 * The peer may still take packets that were sent. Buffers that it does not return now are reaped
 * later.
 */
int
mmnet_tx_queue_stop(struct rte_eth_dev *dev, uint16_t i)
{
	struct mmnet_port *port = mmnet_port_of(dev);

	for (uint16_t k = 0; k < port->spread; k++)
		fido_txq_pause(port->txq[i * port->spread + k]->q);
	dev->data->tx_queue_state[i] = RTE_ETH_QUEUE_STATE_STOPPED;
	for (uint16_t k = 0; k < port->spread; k++)
		txq_drain(port->txq[i * port->spread + k],
			fido_link_is_connected(port->link) ? MMNET_STOP_WAIT_MS : 0);
	return 0;
}

/* ---- information ---- */

void
mmnet_rxq_info_get(struct rte_eth_dev *dev, uint16_t i, struct rte_eth_rxq_info *info)
{
	const struct mmnet_rxq *rxq = mmnet_port_of(dev)->rxq[i];
	uint32_t size;

	/*
	 * The rings are the peer's, and have the size that it chose. Without a peer: the size that
	 * the application asked for.
	 */
	size = mmnet_view_update(dev) == 0 && rxq->ring_size != 0 ? rxq->ring_size : rxq->nb_desc;
	info->mp = rxq->mp;
	info->conf = rxq->conf;
	info->scattered_rx =
		(dev->data->dev_conf.rxmode.offloads & RTE_ETH_RX_OFFLOAD_SCATTER) != 0;
	info->nb_desc = (uint16_t)RTE_MIN(size, (uint32_t)UINT16_MAX);
	info->rx_buf_size = rxq->room;
}

uint32_t
mmnet_tx_ring_size(const struct rte_eth_dev *dev)
{
	const struct mmnet_port *port = mmnet_port_of(dev);
	uint32_t size = MMNET_MIN_DESC;

	for (uint16_t i = 0; i < dev->data->nb_tx_queues; i++)
		if (dev->data->tx_queues[i] != NULL)
			size = RTE_MAX(size, (uint32_t)port->txq[i * port->spread]->nb_desc);
	/* Rings are powers of two; ethdev has checked each size against the limits. */
	return rte_align32pow2(size);
}

void
mmnet_txq_info_get(struct rte_eth_dev *dev, uint16_t i, struct rte_eth_txq_info *info)
{
	const struct mmnet_port *port = mmnet_port_of(dev);
	/* A new set-up takes effect at the next start. */
	uint32_t size = port->started ? port->ring_size : mmnet_tx_ring_size(dev);

	info->conf = port->txq[i * port->spread]->conf;
	info->conf.tx_free_thresh = (uint16_t)(size - mmnet_tx_lag(size));
	info->nb_desc = (uint16_t)size;
}

PMD_QUEUE_COUNT
mmnet_rx_queue_count(void *queue)
{
	const struct mmnet_rxq *rxq = queue;
	struct fido_rxq_fill fill;

	fido_rxq_look(rxq->q, UINT32_MAX, &fill);
	return (PMD_QUEUE_COUNT)fill.waiting;
}

/*
 * First descriptors that wait, then those that the peer may fill, last those that are held or on
 * their way back.
 */
int
mmnet_rx_descriptor_status(void *queue, uint16_t offset)
{
	const struct mmnet_rxq *rxq = queue;
	struct fido_rxq_fill fill;

	fido_rxq_look(rxq->q, offset + 1u, &fill);
	if (fill.size == 0)
		return RTE_ETH_RX_DESC_UNAVAIL;
	if (offset >= fill.size)
		return -EINVAL;
	if (offset < fill.waiting)
		return RTE_ETH_RX_DESC_DONE;
	return offset < fill.size - fill.held ? RTE_ETH_RX_DESC_AVAIL : RTE_ETH_RX_DESC_UNAVAIL;
}

/*
 * First descriptors that can be posted, with those that a burst would reap, last those that the
 * peer has.
 */
int
mmnet_tx_descriptor_status(void *queue, uint16_t offset)
{
	const struct mmnet_txq *txq = queue;
	struct fido_txq_fill fill;

	fido_txq_look(txq->q, &fill);
	if (fill.size == 0)
		return RTE_ETH_TX_DESC_UNAVAIL;
	if (offset >= fill.size)
		return -EINVAL;
	if (offset >= fill.room + fill.done)
		return RTE_ETH_TX_DESC_FULL;
	return fill.open ? RTE_ETH_TX_DESC_DONE : RTE_ETH_TX_DESC_UNAVAIL;
}

/* ---- power management ---- */

/* @return -1: there is a descriptor, do not sleep */
static int
monitor_callback(const uint64_t value, const uint64_t opaque[RTE_POWER_MONITOR_OPAQUE_SZ])
{
	return (uint16_t)value == opaque[0] ? -1 : 0;
}

int
mmnet_get_monitor_addr(void *queue, struct rte_power_monitor_cond *pmc)
{
	const struct mmnet_rxq *rxq = queue;
	const uint64_t *word;
	uint16_t lap;
	int ret;

	if (rxq->q == NULL)
		return -EINVAL;
	ret = fido_rxq_watch(rxq->q, &word, &lap);
	if (ret != 0)
		return ret;
	/* In the peer's memory, which is mapped read-only; the monitor only reads it. */
	pmc->addr = (volatile void *)(uintptr_t)word;
	pmc->size = sizeof(*word);
	pmc->opaque[0] = lap;
	pmc->fn = monitor_callback;
	return 0;
}
