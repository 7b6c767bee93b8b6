/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Start and stop a port. While it is stopped, the interface has no carrier: the kernel sends
 * nothing, and no packet waits that the next start would deliver.
 */

#include <errno.h>
#include <linux/if_tun.h>
#include <string.h>

#include <ethdev_driver.h>
#include <rte_ether.h>

#include "pmd_compat.h"
#include "rte_pmd_udp_lro.h"
#include "vtap_intr.h"
#include "vtap_link.h"
#include "vtap_log.h"
#include "vtap_port.h"
#include "vtap_rx.h"
#include "vtap_start.h"
#include "vtap_tun.h"
#include "vtap_tx.h"

/*
 * @return TUN_F_*: what the kernel leaves undone, since the port accepts it. The kernel itself
 * takes as much at any time.
 */
static unsigned int
left_by_kernel(const struct vtap_port *port)
{
	uint64_t offloads = port->dev->data->dev_conf.rxmode.offloads;
	unsigned int left = TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN;

	if ((offloads & RTE_ETH_RX_OFFLOAD_TCP_LRO) == 0)
		return 0;
	return port->tun.can_uso && rte_pmd_udp_lro_mask() != 0 ? left | VTAP_F_USO : left;
}

int
vtap_mtu_set(struct rte_eth_dev *dev, uint16_t mtu)
{
	struct vtap_port *port = vtap_port_of(dev);
	int ret;

	if (!vtap_rx_fits(port, mtu + VTAP_OVERHEAD)) {
		VTAP_LOG(ERR,
			"%s: frames of an MTU of %u do not fit into the mbufs of the Rx queues: "
			"use larger ones, or scattered Rx",
			dev->data->name, mtu);
		return -EINVAL;
	}
	ret = vtap_tun_set_mtu(&port->tun, mtu);
	if (ret != 0) {
		VTAP_LOG(ERR, "%s: cannot set the MTU of interface %s to %u: %s", dev->data->name,
			port->tun.name, mtu, strerror(-ret));
		return ret;
	}
	dev->data->mtu = mtu;
	vtap_tx_limit(port);
	return 0;
}

/*
 * Give the interface the configured MTU. ethdev fills in 1500 if the application sets none: then
 * the interface keeps its own. Not at the start: rte_eth_dev_set_mtu() may have set another since.
 */
int
vtap_configure(struct rte_eth_dev *dev)
{
	uint32_t mtu = dev->data->dev_conf.rxmode.mtu;

	if (mtu != RTE_ETHER_MTU)
		return vtap_mtu_set(dev, (uint16_t)mtu);
	vtap_link_adopt(vtap_port_of(dev));
	return 0;
}

static bool
has_queues(const struct rte_eth_dev *dev)
{
	const struct vtap_port *port = vtap_port_of(dev);

	for (uint16_t i = 0; i < dev->data->nb_rx_queues; i++)
		if (port->rxq[i] == NULL)
			return false;
	for (uint16_t i = 0; i < dev->data->nb_tx_queues; i++)
		if (port->txq[i] == NULL)
			return false;
	return true;
}

/* @return 0; -errno with *step the step that failed */
static int
start_interface(struct rte_eth_dev *dev, const char **step)
{
	struct vtap_port *port = vtap_port_of(dev);
	uint16_t queues = RTE_MAX(dev->data->nb_rx_queues, (uint16_t)1);
	int ret;

	*step = "choose its queues";
	ret = vtap_tun_attach(&port->tun, queues);
	if (ret != 0)
		return ret;
	*step = "set its offloads";
	ret = vtap_tun_set_offloads(&port->tun, left_by_kernel(port));
	if (ret != 0)
		return ret;
	*step = "set it up";
	for (uint16_t i = 0; i < queues; i++)
		vtap_tun_drain(&port->tun, i);
	ret = vtap_tun_set_flags(&port->tun, IFF_UP, 0);
	if (ret == 0 && !port->admin_down)
		ret = vtap_tun_set_carrier(&port->tun, true);
	return ret;
}

static void
stop_queues(struct rte_eth_dev *dev)
{
	for (uint16_t i = 0; i < dev->data->nb_rx_queues; i++)
		vtap_rx_stop(vtap_port_of(dev), i);
}

static int
start_queues(struct rte_eth_dev *dev)
{
	struct vtap_port *port = vtap_port_of(dev);
	int ret = 0;

	dev->data->scattered_rx = 0;
	for (uint16_t i = 0; i < dev->data->nb_rx_queues && ret == 0; i++)
		ret = vtap_rx_start(port, i);
	/* A detached queue does not send: share the attached ones. */
	for (uint16_t i = 0; i < dev->data->nb_tx_queues; i++)
		port->txq[i]->fd = port->tun.fd[i % RTE_MAX(dev->data->nb_rx_queues, (uint16_t)1)];
	if (ret == 0)
		ret = vtap_intr_start(dev);
	return ret;
}

int
vtap_start(struct rte_eth_dev *dev)
{
	struct vtap_port *port = vtap_port_of(dev);
	const char *step = "prepare its queues";
	int ret;

	if (port->removed) {
		VTAP_LOG(ERR, "%s: interface %s was removed: detach and attach the device",
			dev->data->name, port->tun.name);
		return -ENODEV;
	}
	if (!has_queues(dev)) {
		VTAP_LOG(ERR, "%s: set up all queues that were configured before the start",
			dev->data->name);
		return -EINVAL;
	}
	vtap_link_adopt(port);
	ret = start_queues(dev);
	if (ret == 0)
		ret = start_interface(dev, &step);
	if (ret != 0) {
		VTAP_LOG(ERR, "%s: interface %s: cannot %s: %s", dev->data->name, port->tun.name,
			step, strerror(-ret));
		vtap_intr_stop(dev);
		stop_queues(dev);
		return ret;
	}
	port->started = true;
	dev->rx_pkt_burst = vtap_rx_burst;
	dev->tx_pkt_burst = vtap_tx_burst;
	dev->tx_pkt_prepare = vtap_tx_prepare;
	vtap_link_update(dev, 0);
	return 0;
}

int
vtap_stop(struct rte_eth_dev *dev)
{
	struct vtap_port *port = vtap_port_of(dev);

	if (!port->started)
		return 0;
	port->started = false;
	/* The interface may be gone. */
	vtap_tun_set_carrier(&port->tun, false);
	pmd_no_fast_path(dev);
	vtap_intr_stop(dev);
	stop_queues(dev);
	vtap_link_update(dev, 0);
	return 0;
}
