/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The mmnet poll-mode driver: probe and remove, and the table of ethdev operations. Its parts:
 *
 *   ports
 *     mmnet_args         device arguments
 *     mmnet_port         struct mmnet_port, the list of ports
 *     mmnet_start        start, stop, reset
 *     mmnet_close        close; a closed port lingers until all its buffers are back
 *     mmnet_link         link status
 *     mmnet_intr         Rx interrupts
 *     mmnet_info         limits, capabilities, burst modes
 *     mmnet_stats        counters
 *     mmnet_telemetry    state, as text
 *     mmnet_view         snapshots of counters and rings, also for secondary processes
 *     mmnet_secondary    ports in secondary processes
 *   memory
 *     mmnet_domain       the process's one domain
 *     mmnet_mem          exports EAL's heap
 *     mmnet_arena        mempool ops that place mbufs in an arena
 *   queues
 *     mmnet_queue        set-up, start and stop, descriptor counts
 *     mmnet_rss          RSS; the note that tells the peer what this end accepts
 *     mmnet_hash         Toeplitz
 *     mmnet_mtu          the longest packet
 *     mmnet_meta         format of a packet's metadata and of the note
 *     pmd_bytes.h      a packet's bytes and their checksum, over all its segments
 *   receive
 *     mmnet_rxq.h        struct mmnet_rxq
 *     mmnet_rx_mode      the table of Rx modes
 *     mmnet_rx           their burst functions, with mmnet_rx_reader.h (the current message),
 *                        mmnet_rx_mbufs.h (mbufs of the application's pool), mmnet_rx_copy.h,
 *                        mmnet_rx_pointer.h (mbufs that point into the peer's memory)
 *     mmnet_pool         the pools of those mbufs
 *     mmnet_rx_config    Rx offloads that the application asks for
 *     mmnet_rx_offload   the offloads: VLAN tags, hashes, timestamps
 *     mmnet_csum         checksums and packet types
 *   transmit
 *     mmnet_txq.h        struct mmnet_txq
 *     mmnet_tx           the burst function; reaping
 *     mmnet_chain        packets of several segments, with metadata, or copied
 *     mmnet_bounce       the buffers that they are copied into
 *     mmnet_tx_offload   the burst function with offloads, spread over the peer's queues
 *     mmnet_tx_software  offloads that the peer does not accept, in software
 *
 *   mmnet_log            messages
 *   pmd_compat.h       differences between the releases of DPDK
 */

#include <errno.h>
#include <string.h>

#include <bus_vdev_driver.h>
#include <ethdev_driver.h>
#include <ethdev_vdev.h>
#include <rte_common.h>
#include <rte_eal.h>
#include <rte_ether.h>
#include <rte_interrupts.h>
#include <rte_malloc.h>
#include <rte_mbuf_pool_ops.h>

#include <fido/domain.h>
#include <fido/link.h>

#include "mmnet_args.h"
#include "mmnet_close.h"
#include "pmd_compat.h"
#include "mmnet_domain.h"
#include "mmnet_info.h"
#include "mmnet_intr.h"
#include "mmnet_link.h"
#include "mmnet_log.h"
#include "mmnet_mtu.h"
#include "mmnet_port.h"
#include "mmnet_queue.h"
#include "mmnet_rss.h"
#include "mmnet_rx_config.h"
#include "mmnet_rx_mode.h"
#include "mmnet_rx_offload.h"
#include "mmnet_secondary.h"
#include "mmnet_start.h"
#include "mmnet_stats.h"
#include "mmnet_telemetry.h"
#include "mmnet_tx.h"
#include "mmnet_view.h"
#include "rte_pmd_mmnet.h"

#define DRIVER_NAME net_mmnet

/* ---- configuration ---- */

static int
dev_configure(struct rte_eth_dev *dev)
{
	struct mmnet_port *port = mmnet_port_of(dev);

	port->spread = RTE_MAX(port->args.spread, (uint16_t)1);
	if (dev->data->nb_tx_queues * port->spread > FIDO_LINK_QUEUES_MAX) {
		MMNET_LOG(ERR,
			"port %u: %u Tx queues with spread=%u are more than %u rings: use fewer of "
			"one or the other",
			port->port_id, dev->data->nb_tx_queues, port->spread, FIDO_LINK_QUEUES_MAX);
		return -EINVAL;
	}
	mmnet_mtu_configure(dev);
	return mmnet_rss_configure(dev);
}

static int
vlan_offload_set(struct rte_eth_dev *dev, int mask)
{
	const struct mmnet_port *port = mmnet_port_of(dev);
	bool wants = mmnet_rx_wants_offload(dev);

	if ((mask & RTE_ETH_VLAN_STRIP_MASK) == 0)
		return 0;
	if (port->started && wants &&
		dev->rx_pkt_burst != mmnet_rx_mode_get(port->mode)->burst_offload) {
		MMNET_LOG(ERR,
			"port %u: cannot begin to strip VLAN tags while started: stop it first",
			port->port_id);
		return -EBUSY;
	}
	mmnet_rx_configure(dev);
	return mmnet_note_publish(dev);
}

/* ---- small operations ---- */

static int
mac_addr_set(struct rte_eth_dev *dev, struct rte_ether_addr *addr)
{
	mmnet_port_of(dev)->macs[0] = *addr;
	return 0;
}

/* ethdev keeps the addresses, in port->macs. */
static int
mac_addr_add(struct rte_eth_dev *dev, struct rte_ether_addr *addr, uint32_t i, uint32_t vmdq)
{
	(void)dev;
	(void)addr;
	(void)i;
	(void)vmdq;
	return 0;
}

static void
mac_addr_remove(struct rte_eth_dev *dev, uint32_t i)
{
	(void)dev;
	(void)i;
}

static int
set_mc_addr_list(struct rte_eth_dev *dev, struct rte_ether_addr *addrs, uint32_t n)
{
	(void)dev;
	(void)addrs;
	(void)n;
	return 0;
}

/* A link has one peer: everything that it sends is for this port. */
static int
accept_all(struct rte_eth_dev *dev)
{
	(void)dev;
	return 0;
}

PMD_PTYPES_OP(supported_ptypes_get, mmnet_rx_ptypes)
PMD_STATS_OP(stats_get, mmnet_stats_fill)

static const struct eth_dev_ops ops = {
	.dev_configure = dev_configure,
	.dev_start = mmnet_start,
	.dev_stop = mmnet_stop,
	.dev_reset = mmnet_reset,
	.dev_close = mmnet_close,
	.dev_set_link_up = mmnet_link_set_up,
	.dev_set_link_down = mmnet_link_set_down,
	.dev_infos_get = mmnet_infos_get,
	.dev_supported_ptypes_get = supported_ptypes_get,
	.rx_queue_setup = mmnet_rx_queue_setup,
	.tx_queue_setup = mmnet_tx_queue_setup,
	.rx_queue_start = mmnet_rx_queue_start,
	.rx_queue_stop = mmnet_rx_queue_stop,
	.tx_queue_start = mmnet_tx_queue_start,
	.tx_queue_stop = mmnet_tx_queue_stop,
	.rx_queue_release = mmnet_queue_release,
	.tx_queue_release = mmnet_queue_release,
	.rx_queue_intr_enable = mmnet_rx_intr_enable,
	.rx_queue_intr_disable = mmnet_rx_intr_disable,
	.tx_done_cleanup = mmnet_tx_done_cleanup,
	.link_update = mmnet_link_update,
	.promiscuous_enable = accept_all,
	.promiscuous_disable = accept_all,
	.allmulticast_enable = accept_all,
	.allmulticast_disable = accept_all,
	.mtu_set = mmnet_mtu_set,
	.vlan_offload_set = vlan_offload_set,
	.read_clock = mmnet_read_clock,
	.rss_hash_update = mmnet_rss_hash_update,
	.rss_hash_conf_get = mmnet_rss_hash_conf_get,
	.reta_update = mmnet_reta_update,
	.reta_query = mmnet_reta_query,
	.mac_addr_set = mac_addr_set,
	.mac_addr_add = mac_addr_add,
	.mac_addr_remove = mac_addr_remove,
	.set_mc_addr_list = set_mc_addr_list,
	.stats_get = stats_get,
	.stats_reset = mmnet_stats_reset,
	.xstats_get = mmnet_xstats_get,
	.xstats_get_names = mmnet_xstats_get_names,
	.xstats_reset = mmnet_stats_reset,
	.rx_burst_mode_get = mmnet_rx_burst_mode_get,
	.tx_burst_mode_get = mmnet_tx_burst_mode_get,
	.rxq_info_get = mmnet_rxq_info_get,
	.txq_info_get = mmnet_txq_info_get,
	.get_monitor_addr = mmnet_get_monitor_addr,
	.eth_dev_priv_dump = mmnet_priv_dump,
};

/* ---- probe ---- */

/*
 * Make arenas the default for mbuf pools: the application and EAL's option can still name other
 * mempool ops.
 */
static int
prefer_arena_pools(const char *name)
{
	int ret;

	if (mmnet_has_physical_port()) {
		MMNET_LOG(ERR,
			"%s: pools=arena is for processes whose ports are all virtual: no NIC can "
			"reach an arena; have the application create pools with mempool "
			"ops " RTE_PMD_MMNET_ARENA_OPS " for the mmnet ports",
			name);
		return -EINVAL;
	}
	ret = rte_mbuf_set_platform_mempool_ops(RTE_PMD_MMNET_ARENA_OPS);
	if (ret != 0)
		MMNET_LOG(ERR,
			"%s: pools=arena: another driver has set the platform's mempool ops (%s): "
			"use EAL's option --mbuf-pool-ops-name=" RTE_PMD_MMNET_ARENA_OPS " instead",
			name, strerror(-ret));
	return ret;
}

static int
port_create(const struct mmnet_args *args, struct mmnet_port **out)
{
	struct mmnet_port *port = rte_zmalloc("mmnet_port", sizeof(*port), RTE_CACHE_LINE_SIZE);
	struct fido_link_config config = {.event = mmnet_link_event, .arg = port};
	struct fido_domain *domain;
	int ret;

	if (port == NULL)
		return -ENOMEM;
	port->args = *args;
	ret = mmnet_domain_get(args, &domain);
	if (ret != 0) {
		rte_free(port);
		return ret;
	}
	config.peer = port->args.peer;
	config.name = port->args.link;
	ret = fido_link_create(domain, &config, &port->link);
	if (ret != 0) {
		mmnet_domain_put();
		rte_free(port);
		return ret;
	}
	if (!args->has_mac)
		rte_eth_random_addr(port->args.mac.addr_bytes);
	mmnet_port_link(port);
	*out = port;
	return 0;
}

static int
ethdev_create(struct rte_vdev_device *vdev, struct mmnet_port *port)
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
	mmnet_open_ports++;
	port->port_id = dev->data->port_id;
	dev->data->dev_private = port;
	dev->data->mac_addrs = port->macs;
	mmnet_initial(dev);
	dev->data->dev_flags |= RTE_ETH_DEV_INTR_LSC | RTE_ETH_DEV_AUTOFILL_QUEUE_XSTATS;
	dev->dev_ops = &ops;
	dev->rx_queue_count = mmnet_rx_queue_count;
	dev->rx_descriptor_status = mmnet_rx_descriptor_status;
	dev->tx_descriptor_status = mmnet_tx_descriptor_status;
	rte_eth_dev_probing_finish(dev);
	return 0;
}

static int
probe(struct rte_vdev_device *vdev)
{
	const char *name = rte_vdev_device_name(vdev);
	struct mmnet_args args;
	struct mmnet_port *port;
	int ret;

	if (rte_eal_process_type() == RTE_PROC_SECONDARY)
		return mmnet_secondary_probe(vdev);
	ret = mmnet_args_parse(&args, name, rte_vdev_device_args(vdev));
	if (ret != 0)
		return ret;
	if (args.arena_pools)
		ret = prefer_arena_pools(name);
	if (ret == 0)
		ret = port_create(&args, &port);
	if (ret != 0)
		return ret;
	ret = ethdev_create(vdev, port);
	if (ret != 0)
		mmnet_port_free(port);
	else
		mmnet_view_serve();
	return ret;
}

static int
remove_port(struct rte_vdev_device *vdev)
{
	struct rte_eth_dev *dev = rte_eth_dev_allocated(rte_vdev_device_name(vdev));

	if (dev == NULL)
		return 0;
	mmnet_close(dev);
	return rte_eth_dev_release_port(dev);
}

/*
 * The process exits while a closed port still waits for its buffers: leave the group, so that no
 * files stay in its folder. The peers see that this end did not leave cleanly, and keep the memory
 * that it may still read.
 */
RTE_FINI(mmnet_leave)
{
	/*
	 * EAL's memory, with the ports in it, may be gone by now: use no other variable. While a
	 * port is open its threads may run: then the kernel cleans up.
	 */
	if (mmnet_open_ports == 0)
		mmnet_domain_abandon();
}

static struct rte_vdev_driver driver = {
	.probe = probe,
	.remove = remove_port,
};

RTE_PMD_REGISTER_VDEV(DRIVER_NAME, driver);
RTE_PMD_REGISTER_PARAM_STRING(DRIVER_NAME,
	"group=<name> "
	"domain=<name> "
	"peer=<name> "
	"link=<name> "
	"rx=auto|copy|header|zero "
	"arena=<size> "
	"hugepages=on|off "
	"heap=on|off "
	"pools=heap|arena "
	"allow=<user>:<user>... "
	"spread=<number> "
	"mac=<address> "
	"base=<address> "
	"slot_size=<size> "
	"slots=<number>");
