/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Rx offloads that the application asks for: what the queues do, and what the peer may leave to
 * them.
 */

#include <ethdev_driver.h>

#include "mmnet_csum.h"
#include "mmnet_meta.h"
#include "mmnet_mtu.h"
#include "mmnet_port.h"
#include "mmnet_rx_config.h"
#include "mmnet_rx_mode.h"
#include "mmnet_rx_offload.h"
#include "mmnet_rxq.h"
#include "rte_pmd_udp_lro.h"

/* Types are set along with checksums. */
const uint32_t *
mmnet_rx_ptypes(const struct rte_eth_dev *dev, size_t *n)
{
	*n = 0;
	return (dev->data->dev_conf.rxmode.offloads & RTE_ETH_RX_OFFLOAD_CHECKSUM) != 0
		? mmnet_csum_types(n)
		: NULL;
}

#define L4_CSUM (RTE_ETH_RX_OFFLOAD_UDP_CKSUM | RTE_ETH_RX_OFFLOAD_TCP_CKSUM)
#define OFFLOADS                                                             \
	(RTE_ETH_RX_OFFLOAD_CHECKSUM | RTE_ETH_RX_OFFLOAD_VLAN_STRIP |       \
		RTE_ETH_RX_OFFLOAD_RSS_HASH | RTE_ETH_RX_OFFLOAD_TIMESTAMP | \
		RTE_ETH_RX_OFFLOAD_TCP_LRO)

bool
mmnet_rx_wants_offload(const struct rte_eth_dev *dev)
{
	return (dev->data->dev_conf.rxmode.offloads & OFFLOADS) != 0;
}

/* @return true when packets of 65,535 bytes fit */
static bool
takes_uncut(const struct rte_eth_dev *dev)
{
	const struct mmnet_port *port = dev->data->dev_private;

	if (mmnet_rx_mode_get(port->mode)->any_length ||
		(dev->data->dev_conf.rxmode.offloads & RTE_ETH_RX_OFFLOAD_SCATTER) != 0)
		return true;
	for (uint16_t i = 0; i < dev->data->nb_rx_queues; i++)
		if (port->rxq[i] != NULL && port->rxq[i]->room < MMNET_MAX_FRAME)
			return false;
	return true;
}

uint16_t
mmnet_rx_accepts(const struct rte_eth_dev *dev)
{
	uint64_t offloads = dev->data->dev_conf.rxmode.offloads;
	uint32_t accepts = 0;

	/*
	 * Checksum offloads alone do not accept unfinished packets: such an application may forward
	 * them unseen.
	 */
	if ((offloads & RTE_ETH_RX_OFFLOAD_TCP_LRO) != 0) {
		accepts |= MMNET_META_UNFINISHED;
		if (!takes_uncut(dev))
			accepts &= ~MMNET_META_UNCUT;
		if (mmnet_meta_udp_lro == 0)
			accepts &= ~MMNET_META_USO;
	}
	if ((offloads & RTE_ETH_RX_OFFLOAD_VLAN_STRIP) != 0)
		accepts |= MMNET_META_VLAN;
	if ((offloads & RTE_ETH_RX_OFFLOAD_RSS_HASH) != 0)
		accepts |= MMNET_META_HASH;
	return (uint16_t)accepts;
}

void
mmnet_rx_configure(struct rte_eth_dev *dev)
{
	const struct mmnet_port *port = dev->data->dev_private;
	uint64_t offloads = dev->data->dev_conf.rxmode.offloads;
	bool timestamp =
		(offloads & RTE_ETH_RX_OFFLOAD_TIMESTAMP) != 0 && mmnet_rx_offload_register_time();

	mmnet_meta_udp_lro = rte_pmd_udp_lro_mask();

	for (uint16_t i = 0; i < dev->data->nb_rx_queues; i++) {
		struct mmnet_rxq *rxq = port->rxq[i];

		if (rxq == NULL)
			continue;
		rxq->csum = (offloads & RTE_ETH_RX_OFFLOAD_CHECKSUM) != 0;
		rxq->l4_csum = (offloads & L4_CSUM) != 0;
		rxq->strip = (offloads & RTE_ETH_RX_OFFLOAD_VLAN_STRIP) != 0;
		rxq->hash = (offloads & RTE_ETH_RX_OFFLOAD_RSS_HASH) != 0 && port->hash != NULL;
		rxq->timestamp = timestamp;
		/* Packets that the peer sends by the old note may still come. */
		rxq->accepts = mmnet_rx_accepts(dev) | (port->started ? rxq->accepts : 0);
		mmnet_rx_limit(rxq);
	}
}
