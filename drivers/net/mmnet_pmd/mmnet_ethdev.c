/* SPDX-License-Identifier: BSD-3-Clause */
/* Probe, remove, and the ethdev operations that are not the data path. */

#include <errno.h>
#include <string.h>

#include <bus_vdev_driver.h>
#include <ethdev_vdev.h>
#include <rte_interrupts.h>
#include <rte_malloc.h>
#include <rte_mbuf_pool_ops.h>

#include <fido/doorbell.h>

#include "mmnet.h"
#include "rte_pmd_mmnet.h"

int mmnet_logtype;
struct mmnet_port *mmnet_ports;
struct fido_lock mmnet_ports_lock;
unsigned int mmnet_open_ports;

static struct mmnet_port *
port_of(const struct rte_eth_dev *dev)
{
	return dev->data->dev_private;
}

/* ---- link ---- */

int
mmnet_link_update(struct rte_eth_dev *dev, int wait)
{
	struct mmnet_port *port = port_of(dev);
	struct rte_eth_link link = {
		.link_speed = RTE_ETH_SPEED_NUM_100G,
		.link_duplex = RTE_ETH_LINK_FULL_DUPLEX,
		.link_autoneg = RTE_ETH_LINK_FIXED,
		.link_status = port->started && !port->admin_down && fido_link_is_up(port->link)
			? RTE_ETH_LINK_UP
			: RTE_ETH_LINK_DOWN,
	};

	(void)wait;
	return rte_eth_linkstatus_set(dev, &link);
}

/* Control thread of libfido, without its locks. */
static void
link_event(void *arg, enum fido_link_event event)
{
	struct mmnet_port *port = arg;
	struct rte_eth_dev *dev = port->dev;

	(void)event;
	if (dev == NULL || !port->started)
		return;
	mmnet_link_update(dev, 0);
	if (dev->data->dev_conf.intr_conf.lsc != 0)
		rte_eth_dev_callback_process(dev, RTE_ETH_EVENT_INTR_LSC, NULL);
}

static int
set_link_up(struct rte_eth_dev *dev)
{
	port_of(dev)->admin_down = false;
	fido_link_resume(port_of(dev)->link);
	mmnet_link_update(dev, 0);
	return 0;
}

/* The peer posts no more; what is in the rings can still be polled, and we may still send. */
static int
set_link_down(struct rte_eth_dev *dev)
{
	port_of(dev)->admin_down = true;
	fido_link_quiesce(port_of(dev)->link);
	mmnet_link_update(dev, 0);
	return 0;
}

/* ---- configuration ---- */

static int
dev_configure(struct rte_eth_dev *dev)
{
	struct mmnet_port *port = port_of(dev);

	port->spread = RTE_MAX(port->args.spread, (uint16_t)1);
	if (dev->data->nb_tx_queues * port->spread > FIDO_LINK_QUEUES_MAX) {
		MMNET_LOG(ERR,
			"port %u: %u Tx queues with spread=%u: that are more than %u rings: use "
			"fewer of one or the other",
			port->port_id, dev->data->nb_tx_queues, port->spread, FIDO_LINK_QUEUES_MAX);
		return -EINVAL;
	}
	mmnet_mtu_configure(dev);
	return mmnet_rss_configure(dev);
}

int
mmnet_infos_get(struct rte_eth_dev *dev, struct rte_eth_dev_info *info)
{
	const struct mmnet_port *port = port_of(dev);

	info->max_mac_addrs = MMNET_MAX_MACS;
	info->max_rx_pktlen = MMNET_MAX_FRAME;
	info->max_rx_queues = FIDO_LINK_QUEUES_MAX;
	/* The primary may have closed it, and this be a secondary. */
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
	info->tx_offload_capa =
		RTE_ETH_TX_OFFLOAD_MULTI_SEGS | RTE_ETH_TX_OFFLOAD_MBUF_FAST_FREE | MMNET_TX_LEFT;
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

/* Headers are wanted unless it is certain that this port copies. */
static bool
wants_headers(const struct mmnet_port *port)
{
	return port->args.rx != MMNET_RX_COPY;
}

static int
rx_queue_setup(struct rte_eth_dev *dev, uint16_t i, uint16_t n, unsigned int socket,
	const struct rte_eth_rxconf *conf, struct rte_mempool *mp)
{
	struct mmnet_port *port = port_of(dev);
	struct mmnet_rxq *rxq = port->rxq[i];
	char name[RTE_MEMPOOL_NAMESIZE];

	if (rxq == NULL) {
		rxq = rte_zmalloc_socket("mmnet_rxq", sizeof(*rxq), RTE_CACHE_LINE_SIZE,
			(int)socket);
		if (rxq == NULL)
			return -ENOMEM;
		snprintf(name, sizeof(name), "mmnet_%u_%u_%lx", port->port_id, i,
			(unsigned long)rte_rdtsc() & 0xffffff);
		if (wants_headers(port))
			rxq->headers = mmnet_headers_create(name, RTE_MAX(n, MMNET_DEFAULT_DESC),
				(int)socket);
		if (wants_headers(port) && rxq->headers == NULL) {
			MMNET_LOG(ERR,
				"port %u: no memory for %u header mbufs of Rx queue %u: give EAL "
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
	/* The mbufs of a pool with external buffers keep theirs, and this flag says so, for as long as they live. */
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
	struct mmnet_port *port = port_of(dev);
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

static int
tx_queue_setup(struct rte_eth_dev *dev, uint16_t i, uint16_t n, unsigned int socket,
	const struct rte_eth_txconf *conf)
{
	struct mmnet_port *port = port_of(dev);
	int ret = 0;

	for (uint16_t k = 0; k < port->spread && ret == 0; k++)
		ret = lane_setup(dev, (uint16_t)(i * port->spread + k), socket, conf);
	if (ret != 0)
		return ret;
	port->txq[i * port->spread]->nb_desc = n;
	dev->data->tx_queues[i] = port->txq[i * port->spread];
	return 0;
}

/* Queues stay until the port is closed: the peer may still hold buffers of theirs. */
static void
queue_release(struct rte_eth_dev *dev, uint16_t i)
{
	(void)dev;
	(void)i;
}

/* ---- small operations ---- */

static int
mac_addr_set(struct rte_eth_dev *dev, struct rte_ether_addr *addr)
{
	port_of(dev)->macs[0] = *addr;
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

/* A link has one peer: all that it sends is for us. */
static int
accept_all(struct rte_eth_dev *dev)
{
	(void)dev;
	return 0;
}

/* With the transmit queues that share its doorbell. @return true when something waits on any of them */
static bool
arm_queue(struct mmnet_port *port, uint16_t rx)
{
	struct fido_txq *txqs[FIDO_LINK_QUEUES_MAX];
	unsigned int n = 0;
	bool pending = false;

	for (uint16_t i = rx; i < port->ntx; i += port->nrx)
		txqs[n++] = port->txq[i]->q;
	if (!port->rxq[rx]->stopped)
		return fido_link_arm(port->rxq[rx]->q, txqs, n);
	/* What waits in the rings of a stopped queue is none to wake for. */
	for (unsigned int i = 0; i < n; i++)
		pending |= fido_txq_arm(txqs[i]);
	return pending;
}

static int
rx_intr_enable(struct rte_eth_dev *dev, uint16_t i)
{
	struct mmnet_port *port = port_of(dev);

	/* What this reaping frees may have come by any port of this lcore: each gives back what it had. */
	mmnet_tx_reap_lcore(rte_lcore_id());
	mmnet_rx_settle_lcore(rte_lcore_id());
	/*
	 * Before arming: what rang for is seen by the look after it. EAL waits for edges, and a doorbell that was left
	 * rung may give none when it rings again.
	 */
	fido_doorbell_clear(port->rxq[i]->q->bell);
	/* Something waits already: have the wait return at once. */
	if (arm_queue(port, i))
		fido_doorbell_ring(port->rxq[i]->q->bell);
	return 0;
}

static int
rx_intr_disable(struct rte_eth_dev *dev, uint16_t i)
{
	struct mmnet_port *port = port_of(dev);

	/* The doorbell is not cleared until it matters, by rx_intr_enable(). */
	fido_rxq_disarm(port->rxq[i]->q, false);
	for (uint16_t k = i; k < port->ntx; k += port->nrx)
		fido_txq_disarm(port->txq[k]->q, false);
	mmnet_tx_reap_lcore(rte_lcore_id());
	return 0;
}

static int
burst_mode(struct rte_eth_dev *dev, const char *text, struct rte_eth_burst_mode *mode)
{
	(void)dev;
	snprintf(mode->info, sizeof(mode->info), "%s", text);
	return 0;
}

static int
rx_burst_mode_get(struct rte_eth_dev *dev, uint16_t i, struct rte_eth_burst_mode *mode)
{
	enum mmnet_rx_mode m = port_of(dev)->mode;

	(void)i;
	return burst_mode(dev,
		m == MMNET_RX_ZERO             ? "Zero copy"
			: m == MMNET_RX_HEADER ? "Header copy"
					       : "Copy",
		mode);
}

static int
tx_burst_mode_get(struct rte_eth_dev *dev, uint16_t i, struct rte_eth_burst_mode *mode)
{
	(void)i;
	return burst_mode(dev,
		dev->tx_pkt_burst == mmnet_tx_burst_offload ? "By pointer, with metadata"
							    : "By pointer",
		mode);
}

static const struct eth_dev_ops ops = {
	.dev_configure = dev_configure,
	.dev_start = mmnet_start,
	.dev_stop = mmnet_stop,
	.dev_reset = mmnet_reset,
	.dev_close = mmnet_close,
	.dev_set_link_up = set_link_up,
	.dev_set_link_down = set_link_down,
	.dev_infos_get = mmnet_infos_get,
	.dev_supported_ptypes_get = mmnet_supported_ptypes_get,
	.rx_queue_setup = rx_queue_setup,
	.tx_queue_setup = tx_queue_setup,
	.rx_queue_start = mmnet_rx_queue_start,
	.rx_queue_stop = mmnet_rx_queue_stop,
	.tx_queue_start = mmnet_tx_queue_start,
	.tx_queue_stop = mmnet_tx_queue_stop,
	.rx_queue_release = queue_release,
	.tx_queue_release = queue_release,
	.rx_queue_intr_enable = rx_intr_enable,
	.rx_queue_intr_disable = rx_intr_disable,
	.tx_done_cleanup = mmnet_tx_done_cleanup,
	.link_update = mmnet_link_update,
	.promiscuous_enable = accept_all,
	.promiscuous_disable = accept_all,
	.allmulticast_enable = accept_all,
	.allmulticast_disable = accept_all,
	.mtu_set = mmnet_mtu_set,
	.vlan_offload_set = mmnet_vlan_offload_set,
	.read_clock = mmnet_read_clock,
	.rss_hash_update = mmnet_rss_hash_update,
	.rss_hash_conf_get = mmnet_rss_hash_conf_get,
	.reta_update = mmnet_reta_update,
	.reta_query = mmnet_reta_query,
	.mac_addr_set = mac_addr_set,
	.mac_addr_add = mac_addr_add,
	.mac_addr_remove = mac_addr_remove,
	.set_mc_addr_list = set_mc_addr_list,
	.stats_get = mmnet_stats_get,
	.stats_reset = mmnet_stats_reset,
	.xstats_get = mmnet_xstats_get,
	.xstats_get_names = mmnet_xstats_get_names,
	.xstats_reset = mmnet_stats_reset,
	.rx_burst_mode_get = rx_burst_mode_get,
	.tx_burst_mode_get = tx_burst_mode_get,
	.rxq_info_get = mmnet_rxq_info_get,
	.txq_info_get = mmnet_txq_info_get,
	.get_monitor_addr = mmnet_get_monitor_addr,
	.eth_dev_priv_dump = mmnet_priv_dump,
};

/* ---- probe ---- */

/* Have the application's pools made in arenas, as far as neither it nor its user says where. */
static int
prefer_arena_pools(const char *name)
{
	int ret;

	if (mmnet_has_pci_port()) {
		MMNET_LOG(ERR,
			"%s: pools=arena is for processes whose ports are all virtual: no NIC can "
			"reach an arena; have the application make pools with mempool "
			"ops " RTE_PMD_MMNET_ARENA_OPS " for the mmnet ports",
			name);
		return -EINVAL;
	}
	ret = rte_mbuf_set_platform_mempool_ops(RTE_PMD_MMNET_ARENA_OPS);
	if (ret != 0)
		MMNET_LOG(ERR,
			"%s: pools=arena: another driver wants other pools (%s): use EAL's option "
			"--mbuf-pool-ops-name=" RTE_PMD_MMNET_ARENA_OPS " instead",
			name, strerror(-ret));
	return ret;
}

static int
port_create(const struct mmnet_args *args, struct mmnet_port **out)
{
	struct mmnet_port *port = rte_zmalloc("mmnet_port", sizeof(*port), RTE_CACHE_LINE_SIZE);
	struct fido_link_config config = {.event = link_event, .arg = port};
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
	fido_lock_take(&mmnet_ports_lock);
	port->next = mmnet_ports;
	mmnet_ports = port;
	fido_lock_release(&mmnet_ports_lock);
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
		mmnet_secondary_serve();
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

/* The process ends while a closed port still waits for its buffers: leave the group all the same, so that
 * nothing stays in its folder. The peers see that this end was not clean, and keep what it may still read. */
RTE_FINI(mmnet_leave)
{
	/* By now EAL's memory may be gone, and the ports with it: look at our own variables only. While a port
	 * is open its threads may be running: then the kernel cleans up after us. */
	if (mmnet_open_ports == 0)
		mmnet_domain_abandon();
}

static struct rte_vdev_driver driver = {
	.probe = probe,
	.remove = remove_port,
};

RTE_PMD_REGISTER_VDEV(MMNET_DRIVER_NAME, driver);
RTE_PMD_REGISTER_PARAM_STRING(MMNET_DRIVER_NAME,
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
RTE_LOG_REGISTER(mmnet_logtype, pmd.net.mmnet, NOTICE);
