/* SPDX-License-Identifier: BSD-3-Clause */
/* What ethdev reports of a port: limits, capabilities, burst modes. */

#include <stdio.h>

#include <ethdev_driver.h>
#include <rte_common.h>
#include <rte_ether.h>

#include <fido/link.h>

#include "mmnet_info.h"
#include "mmnet_meta.h"
#include "mmnet_mtu.h"
#include "mmnet_port.h"
#include "mmnet_queue.h"
#include "mmnet_rss.h"
#include "mmnet_rx_mode.h"
#include "mmnet_tx_offload.h"

int
mmnet_infos_get(struct rte_eth_dev *dev, struct rte_eth_dev_info *info)
{
	const struct mmnet_port *port = mmnet_port_of(dev);

	info->max_mac_addrs = MMNET_MAX_MACS;
	info->max_rx_pktlen = MMNET_MAX_FRAME;
	info->max_rx_queues = FIDO_LINK_QUEUES_MAX;
	/* NULL in a secondary process whose primary has closed the port. */
	info->max_tx_queues =
		FIDO_LINK_QUEUES_MAX / (port != NULL ? RTE_MAX(port->args.spread, (uint16_t)1) : 1);
	info->max_lro_pkt_size = MMNET_MAX_FRAME;
	info->reta_size = MMNET_RETA_SIZE;
	info->hash_key_size = MMNET_KEY_SIZE;
	info->flow_type_rss_offloads = mmnet_rss_types();
	info->min_rx_bufsize = 0;
	info->min_mtu = RTE_ETHER_MIN_MTU;
	info->max_mtu = MMNET_MAX_FRAME - RTE_ETHER_HDR_LEN;
	info->rx_offload_capa = RTE_ETH_RX_OFFLOAD_SCATTER | RTE_ETH_RX_OFFLOAD_CHECKSUM |
		RTE_ETH_RX_OFFLOAD_VLAN_STRIP | RTE_ETH_RX_OFFLOAD_TCP_LRO |
		RTE_ETH_RX_OFFLOAD_RSS_HASH | RTE_ETH_RX_OFFLOAD_TIMESTAMP;
	info->tx_offload_capa = RTE_ETH_TX_OFFLOAD_MULTI_SEGS | RTE_ETH_TX_OFFLOAD_MBUF_FAST_FREE |
		MMNET_TX_OFFLOADS;
	info->tx_queue_offload_capa = RTE_ETH_TX_OFFLOAD_MULTI_SEGS;
	info->rx_desc_lim = (struct rte_eth_desc_lim){MMNET_MAX_DESC, MMNET_MIN_DESC, 1, 0, 0};
	info->tx_desc_lim = (struct rte_eth_desc_lim){MMNET_MAX_DESC, MMNET_MIN_DESC, 1,
		MMNET_MIN_DESC, MMNET_MIN_DESC};
	info->default_rxportconf.ring_size = MMNET_DEFAULT_DESC;
	info->default_txportconf.ring_size = MMNET_DEFAULT_DESC;
	info->default_rxportconf.burst_size = 32;
	info->default_txportconf.burst_size = 32;
	info->default_rxportconf.nb_queues = 1;
	info->default_txportconf.nb_queues = 1;
	info->speed_capa = RTE_ETH_LINK_SPEED_100G;
	return 0;
}

static int
burst_mode(struct rte_eth_dev *dev, const char *text, struct rte_eth_burst_mode *mode)
{
	(void)dev;
	snprintf(mode->info, sizeof(mode->info), "%s", text);
	return 0;
}

int
mmnet_rx_burst_mode_get(struct rte_eth_dev *dev, uint16_t i, struct rte_eth_burst_mode *mode)
{
	(void)i;
	return burst_mode(dev, mmnet_rx_mode_get(mmnet_port_of(dev)->mode)->info, mode);
}

int
mmnet_tx_burst_mode_get(struct rte_eth_dev *dev, uint16_t i, struct rte_eth_burst_mode *mode)
{
	(void)i;
	return burst_mode(dev,
		dev->tx_pkt_burst == mmnet_tx_burst_offload ? "By pointer, with metadata"
							    : "By pointer",
		mode);
}
