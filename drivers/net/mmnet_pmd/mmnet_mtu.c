/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The longest packet. Memory has no frame size: a port whose application sets no MTU takes packets
 * of up to 65,535 bytes. (ethdev then reports an MTU of 1500.)
 */

#include <errno.h>

#include <ethdev_driver.h>
#include <rte_common.h>
#include <rte_ether.h>

#include <fido/link.h>

#include "mmnet_log.h"
#include "mmnet_meta.h"
#include "mmnet_mtu.h"
#include "mmnet_port.h"
#include "mmnet_rx_mode.h"
#include "mmnet_rxq.h"
#include "mmnet_tx.h"

/* Bytes of a frame beyond the MTU: addresses, type, a tag. */
#define FRAME_OVERHEAD (RTE_ETHER_HDR_LEN + 4u)

static void
set_limit(struct mmnet_port *port, uint32_t mtu)
{
	port->max_frame = RTE_MIN(mtu + FRAME_OVERHEAD, MMNET_MAX_FRAME);
	for (uint16_t i = 0; i < FIDO_LINK_QUEUES_MAX; i++)
		if (port->rxq[i] != NULL)
			mmnet_rx_limit(port->rxq[i]);
}

void
mmnet_rx_limit(struct mmnet_rxq *rxq)
{
	/* Packets that are left to this end to be cut are longer than a frame. */
	bool uncut = (rxq->accepts & MMNET_META_UNCUT) != 0;

	rxq->max_frame = uncut ? MMNET_MAX_FRAME : rxq->port->max_frame;
	rxq->whole = (uint16_t)RTE_MIN(rxq->room, rxq->max_frame);
}

void
mmnet_mtu_configure(struct rte_eth_dev *dev)
{
	uint32_t mtu = dev->data->dev_conf.rxmode.mtu;

	set_limit(dev->data->dev_private, mtu == RTE_ETHER_MTU ? MMNET_MAX_FRAME : mtu);
}

bool
mmnet_mtu_limits(const struct mmnet_port *port)
{
	return port->max_frame < MMNET_MAX_FRAME;
}

/* @return true when packets of this size do not fit into the mbufs that they are copied into */
static bool
too_long_to_copy(const struct rte_eth_dev *dev, uint32_t frame)
{
	const struct mmnet_port *port = dev->data->dev_private;
	bool scatter = (dev->data->dev_conf.rxmode.offloads & RTE_ETH_RX_OFFLOAD_SCATTER) != 0;

	if (scatter || mmnet_rx_mode_get(port->args.rx)->any_length)
		return false;
	for (uint16_t i = 0; i < dev->data->nb_rx_queues; i++)
		if (port->rxq[i] != NULL && frame > port->rxq[i]->room)
			return true;
	return false;
}

int
mmnet_mtu_set(struct rte_eth_dev *dev, uint16_t mtu)
{
	struct mmnet_port *port = dev->data->dev_private;

	if (too_long_to_copy(dev, mtu + (uint32_t)RTE_ETHER_HDR_LEN)) {
		MMNET_LOG(ERR,
			"port %u: MTU %u: packets of that size do not fit into the mbufs of its Rx "
			"queues: use larger ones, or scattered Rx",
			port->port_id, mtu);
		return -EINVAL;
	}
	/* Burst functions are chosen when the port starts, and this one tests no lengths. */
	if (port->started && dev->tx_pkt_burst == mmnet_tx_burst &&
		mtu + FRAME_OVERHEAD < MMNET_MAX_FRAME) {
		MMNET_LOG(ERR,
			"port %u: MTU %u: cannot set a first MTU while started: stop the port "
			"first",
			port->port_id, mtu);
		return -EBUSY;
	}
	set_limit(port, mtu);
	return 0;
}
