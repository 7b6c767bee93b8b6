/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The vtap poll-mode driver: an interface of the kernel (a tap) as a port. Checksums and
 * segmentation may be left undone across it, in both directions. Probe and remove, and the table of
 * ethdev operations. Its parts:
 *
 *   vtap_args    device arguments
 *   vtap_tun     the tap: system calls
 *   vtap_header  the virtio-net header that precedes each packet
 *   vtap_rx      receive
 *   vtap_tx      transmit
 *   vtap_start   configure, start, stop, MTU
 *   vtap_link    link status, changes of the interface by others
 *   vtap_intr    Rx interrupts
 *   vtap_stats   counters
 *   vtap_log     messages
 *
 * Each packet costs a system call. io_uring, which saves most of them, moves no more packets a
 * second: the kernel's own work for each is the greater part.
 */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <bus_vdev_driver.h>
#include <ethdev_driver.h>
#include <ethdev_vdev.h>
#include <rte_eal.h>
#include <rte_ether.h>
#include <rte_interrupts.h>
#include <rte_malloc.h>

#include "pmd_compat.h"
#include "vtap_args.h"
#include "vtap_header.h"
#include "vtap_intr.h"
#include "vtap_link.h"
#include "vtap_log.h"
#include "vtap_port.h"
#include "vtap_rx.h"
#include "vtap_start.h"
#include "vtap_stats.h"
#include "vtap_tun.h"
#include "vtap_tx.h"

#define DRIVER_NAME net_vtap
/* The kernel's limit for taps is 65,521. */
#define MTU_MAX (65535 - RTE_ETHER_HDR_LEN)
#define MTU_MIN 68
/* A queue has no ring: any number does. */
#define DESC_MAX 32768

static int
infos_get(struct rte_eth_dev *dev, struct rte_eth_dev_info *info)
{
	const struct vtap_port *port = vtap_port_of(dev);

	info->if_index = (unsigned int)port->tun.index;
	info->max_mac_addrs = 1;
	/* Less the greatest MTU it is what a frame has beyond its MTU: ethdev subtracts. */
	info->max_rx_pktlen = MTU_MAX + VTAP_OVERHEAD;
	info->max_lro_pkt_size = VTAP_FRAME_MAX;
	info->max_rx_queues = port->args.queues;
	info->max_tx_queues = port->args.queues;
	info->min_mtu = MTU_MIN;
	info->max_mtu = MTU_MAX;
	info->rx_offload_capa = RTE_ETH_RX_OFFLOAD_SCATTER | RTE_ETH_RX_OFFLOAD_CHECKSUM |
		RTE_ETH_RX_OFFLOAD_TCP_LRO | RTE_ETH_RX_OFFLOAD_BUFFER_SPLIT;
	info->rx_queue_offload_capa = RTE_ETH_RX_OFFLOAD_BUFFER_SPLIT;
	info->rx_seg_capa.multi_pools = 1;
	info->rx_seg_capa.max_nseg = VTAP_POOLS_MAX;
	info->tx_offload_capa = RTE_ETH_TX_OFFLOAD_MULTI_SEGS | VTAP_TX_OFFLOADS |
		(port->tun.can_uso ? RTE_ETH_TX_OFFLOAD_UDP_TSO : 0);
	info->rx_desc_lim = (struct rte_eth_desc_lim){DESC_MAX, 1, 1, 0, 0};
	info->tx_desc_lim = (struct rte_eth_desc_lim){DESC_MAX, 1, 1, 0, 0};
	info->default_rxportconf.burst_size = 32;
	info->default_txportconf.burst_size = 32;
	info->default_rxportconf.ring_size = 256;
	info->default_txportconf.ring_size = 256;
	info->default_rxportconf.nb_queues = 1;
	info->default_txportconf.nb_queues = 1;
	info->speed_capa = RTE_ETH_LINK_SPEED_100G;
	return 0;
}

static int
promiscuous_enable(struct rte_eth_dev *dev)
{
	return vtap_tun_set_flags(&vtap_port_of(dev)->tun, IFF_PROMISC, 0);
}

static int
promiscuous_disable(struct rte_eth_dev *dev)
{
	return vtap_tun_set_flags(&vtap_port_of(dev)->tun, 0, IFF_PROMISC);
}

static int
allmulticast_enable(struct rte_eth_dev *dev)
{
	return vtap_tun_set_flags(&vtap_port_of(dev)->tun, IFF_ALLMULTI, 0);
}

static int
allmulticast_disable(struct rte_eth_dev *dev)
{
	return vtap_tun_set_flags(&vtap_port_of(dev)->tun, 0, IFF_ALLMULTI);
}

static int
mac_addr_set(struct rte_eth_dev *dev, struct rte_ether_addr *addr)
{
	return vtap_tun_set_mac(&vtap_port_of(dev)->tun, addr);
}

static int
rx_burst_mode_get(struct rte_eth_dev *dev, uint16_t i, struct rte_eth_burst_mode *mode)
{
	(void)dev;
	(void)i;
	snprintf(mode->info, sizeof(mode->info), "A readv() per packet");
	return 0;
}

static int
tx_burst_mode_get(struct rte_eth_dev *dev, uint16_t i, struct rte_eth_burst_mode *mode)
{
	(void)dev;
	(void)i;
	snprintf(mode->info, sizeof(mode->info), "A writev() per packet");
	return 0;
}

PMD_STATS_OP(stats_get, vtap_stats_fill)

/* No dev_supported_ptypes_get: only unfinished packets have a type, and applications rely on it. */
static const struct eth_dev_ops ops = {
	.dev_configure = vtap_configure,
	.dev_start = vtap_start,
	.dev_stop = vtap_stop,
	.dev_close = vtap_close,
	.dev_set_link_up = vtap_link_set_up,
	.dev_set_link_down = vtap_link_set_down,
	.dev_infos_get = infos_get,
	.rx_queue_setup = vtap_rx_queue_setup,
	.tx_queue_setup = vtap_tx_queue_setup,
	.rx_queue_release = vtap_rx_queue_release,
	.tx_queue_release = vtap_tx_queue_release,
	.rx_queue_intr_enable = vtap_rx_intr_enable,
	.rx_queue_intr_disable = vtap_rx_intr_disable,
	.link_update = vtap_link_update,
	.promiscuous_enable = promiscuous_enable,
	.promiscuous_disable = promiscuous_disable,
	.allmulticast_enable = allmulticast_enable,
	.allmulticast_disable = allmulticast_disable,
	.mtu_set = vtap_mtu_set,
	.mac_addr_set = mac_addr_set,
	.stats_get = stats_get,
	.stats_reset = vtap_stats_reset,
	.xstats_get = vtap_xstats_get,
	.xstats_get_names = vtap_xstats_get_names,
	.xstats_reset = vtap_stats_reset,
	.rx_burst_mode_get = rx_burst_mode_get,
	.tx_burst_mode_get = tx_burst_mode_get,
};

/* ---- probe ---- */

static int
ethdev_create(struct rte_vdev_device *vdev, struct vtap_port *port)
{
	struct rte_eth_dev *dev = rte_eth_vdev_allocate(vdev, 0);

	if (dev == NULL)
		return -ENOMEM;
	dev->intr_handle = rte_intr_instance_alloc(RTE_INTR_INSTANCE_F_PRIVATE);
	if (dev->intr_handle == NULL) {
		rte_eth_dev_release_port(dev);
		return -ENOMEM;
	}
	port->dev = dev;
	dev->data->dev_private = port;
	dev->data->mac_addrs = &port->mac;
	dev->data->dev_flags |=
		RTE_ETH_DEV_INTR_LSC | RTE_ETH_DEV_INTR_RMV | RTE_ETH_DEV_AUTOFILL_QUEUE_XSTATS;
	dev->dev_ops = &ops;
	pmd_no_fast_path(dev);
	vtap_link_adopt(port);
	return 0;
}

static void
port_destroy(struct vtap_port *port)
{
	vtap_link_unwatch(port);
	vtap_tun_close(&port->tun);
	pthread_mutex_destroy(&port->watch_lock);
	rte_free(port);
}

int
vtap_close(struct rte_eth_dev *dev)
{
	struct vtap_port *port = vtap_port_of(dev);

	if (rte_eal_process_type() != RTE_PROC_PRIMARY || port == NULL)
		return 0;
	vtap_link_unwatch(port);
	vtap_stop(dev);
	for (uint16_t i = 0; i < VTAP_QUEUES_MAX; i++) {
		if (port->rxq[i] != NULL)
			vtap_rx_queue_release(dev, i);
		if (port->txq[i] != NULL)
			vtap_tx_queue_release(dev, i);
	}
	rte_intr_instance_free(dev->intr_handle);
	dev->intr_handle = NULL;
	port_destroy(port);
	/* ethdev would free it. */
	dev->data->mac_addrs = NULL;
	dev->data->dev_private = NULL;
	return 0;
}

static int
port_create(const struct vtap_args *args, struct vtap_port **out)
{
	struct vtap_port *port = rte_zmalloc("vtap_port", sizeof(*port), RTE_CACHE_LINE_SIZE);
	int ret;

	if (port == NULL)
		return -ENOMEM;
	pthread_mutex_init(&port->watch_lock, NULL);
	port->args = *args;
	ret = vtap_tun_open(&port->tun, args);
	if (ret != 0) {
		pthread_mutex_destroy(&port->watch_lock);
		rte_free(port);
		return ret;
	}
	*out = port;
	return 0;
}

static int
probe(struct rte_vdev_device *vdev)
{
	const char *name = rte_vdev_device_name(vdev);
	struct vtap_args args;
	struct vtap_port *port;
	int ret;

	if (rte_eal_process_type() == RTE_PROC_SECONDARY) {
		VTAP_LOG(ERR,
			"%s: only the primary process can use the port: give the second process an "
			"interface of its own, as another primary (--file-prefix)",
			name);
		return -ENOTSUP;
	}
	ret = vtap_args_parse(&args, name, rte_vdev_device_args(vdev));
	if (ret == 0)
		ret = port_create(&args, &port);
	if (ret != 0)
		return ret;
	ret = ethdev_create(vdev, port);
	if (ret != 0) {
		port_destroy(port);
		return ret;
	}
	if (vtap_link_watch(port) != 0)
		VTAP_LOG(WARNING,
			"%s: cannot watch interface %s: changes that others make are seen only "
			"when the link status is read",
			name, port->tun.name);
	rte_eth_dev_probing_finish(port->dev);
	return 0;
}

static int
remove_port(struct rte_vdev_device *vdev)
{
	struct rte_eth_dev *dev = rte_eth_dev_allocated(rte_vdev_device_name(vdev));

	if (dev == NULL)
		return 0;
	vtap_close(dev);
	return rte_eth_dev_release_port(dev);
}

static struct rte_vdev_driver driver = {
	.probe = probe,
	.remove = remove_port,
};

RTE_PMD_REGISTER_VDEV(DRIVER_NAME, driver);
RTE_PMD_REGISTER_PARAM_STRING(DRIVER_NAME,
	"iface=<name> "
	"netns=<name|path> "
	"queues=<number> "
	"persist=0|1 "
	"mac=<address>");
