/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <rte_common.h>
#include <rte_log.h>
#include <rte_string_fns.h>
#include <rte_version.h>

#include "port.h"

const char *const fwd_port_counter_names[FWD_NB_PORT_COUNTERS] = {
	[FWD_RX_ZERO_COPY] = "rx_zero_copy_packets",
	[FWD_RX_HEADER] = "rx_header_packets",
	[FWD_RX_COPIED] = "rx_copied_packets",
	[FWD_TX_ZERO_COPY] = "tx_zero_copy_packets",
	[FWD_TX_FORWARDED] = "tx_forwarded_packets",
	[FWD_TX_COPIED] = "tx_copied_packets",
	[FWD_TX_BUFFERS_OUT] = "tx_buffers_out",
};

/* Offloads that complete a packet of another domain. */
#define TX_FINISH                                                       \
	(RTE_ETH_TX_OFFLOAD_IPV4_CKSUM | RTE_ETH_TX_OFFLOAD_UDP_CKSUM | \
		RTE_ETH_TX_OFFLOAD_TCP_CKSUM | RTE_ETH_TX_OFFLOAD_TCP_TSO)

/* Return the release of the DPDK that runs: 2211 for 22.11.3; 0 if it does not say. */
static int
dpdk_release(void)
{
	int year = 0, month = 0;

	sscanf(rte_version(), "DPDK %d.%d", &year, &month);
	return year * 100 + month;
}

/* Return whether the driver passes on unfinished packets as they are, in both directions. */
static bool
leaves_unfinished(const char *driver)
{
	return strcmp(driver, "net_mmnet") == 0 || strcmp(driver, "net_vtap") == 0;
}

/*
 * Return whether the driver computes checksums without writing to the packet, which may be
 * read-only. Many drivers need the pseudo-header checksum in the packet; these do not. Since DPDK
 * 23.11 net_tap stops sending at some unfinished packets: they are finished before.
 */
static bool
finds_sums_itself(const char *driver)
{
	if (strcmp(driver, "net_tap") == 0)
		return dpdk_release() < 2311;
	return leaves_unfinished(driver);
}

/* Return how many `what` queues to set up: wanted, or the driver's maximum if lower. */
static uint16_t
choose_queues(const struct fwd_port *port, const char *what, bool used, uint16_t wanted,
	uint16_t max, bool quiet)
{
	if (!used)
		return RTE_MIN(max, 1);
	if (wanted > max && max > 0 && !quiet)
		fprintf(stderr,
			"fido-fwd: port %u (%s): uses %u %s queue(s) instead of %u: "
			"the driver has no more\n",
			port->id, port->name, max, what, wanted);
	return RTE_MIN(max, wanted);
}

static int
choose_mtu(struct fwd_port *port, const struct fwd_options *opt,
	const struct rte_eth_dev_info *info)
{
	port->mtu = opt->mtu;
	if (opt->mtu == 0) {
		port->mtu =
			info->max_mtu == 0 ? RTE_ETHER_MTU : RTE_MIN(info->max_mtu, RTE_ETHER_MTU);
		return 0;
	}
	if (opt->mtu < info->min_mtu || opt->mtu > info->max_mtu) {
		fprintf(stderr, "fido-fwd: port %u (%s): --mtu %u: the driver %s allows %u to %u\n",
			port->id, port->name, opt->mtu, port->driver, info->min_mtu, info->max_mtu);
		return -EINVAL;
	}
	return 0;
}

int
fwd_port_probe(struct fwd_port *port, const struct fwd_options *opt)
{
	struct rte_eth_dev_info info;
	int ret;

	ret = rte_eth_dev_get_name_by_port(port->id, port->name);
	if (ret == 0)
		ret = rte_eth_dev_info_get(port->id, &info);
	if (ret != 0) {
		fprintf(stderr, "fido-fwd: port %u: cannot query its capabilities: %s\n", port->id,
			strerror(-ret));
		return ret;
	}
	strlcpy(port->driver, info.driver_name, sizeof(port->driver));
	port->mmnet = strcmp(info.driver_name, "net_mmnet") == 0;
	port->unfinished = leaves_unfinished(port->driver);
	port->multi_segs = info.tx_offload_capa & RTE_ETH_TX_OFFLOAD_MULTI_SEGS;
	port->can_finish = (info.tx_offload_capa & TX_FINISH) == TX_FINISH && port->multi_segs &&
		finds_sums_itself(port->driver);
	port->can_cut_udp = (info.tx_offload_capa & RTE_ETH_TX_OFFLOAD_UDP_TSO) != 0;
	port->can_split = (info.rx_offload_capa & RTE_ETH_RX_OFFLOAD_BUFFER_SPLIT) &&
		info.rx_seg_capa.multi_pools && info.rx_seg_capa.max_nseg >= 2;
	port->rx_scatter = opt->scatter && (info.rx_offload_capa & RTE_ETH_RX_OFFLOAD_SCATTER);
	if (opt->scatter && port->source && !port->rx_scatter && !opt->quiet)
		fprintf(stderr,
			"fido-fwd: port %u (%s): ignores --scatter: "
			"the driver does not support it\n",
			port->id, port->name);
	port->nb_rxq =
		choose_queues(port, "Rx", port->source, opt->rxq, info.max_rx_queues, opt->quiet);
	port->nb_txq =
		choose_queues(port, "Tx", port->sink, opt->txq, info.max_tx_queues, opt->quiet);
	if ((port->source && port->nb_rxq == 0) || (port->sink && port->nb_txq == 0)) {
		fprintf(stderr,
			"fido-fwd: port %u (%s) cannot %s: choose other routes with --map\n",
			port->id, port->name, port->nb_rxq == 0 ? "receive" : "send");
		return -ENOTSUP;
	}
	port->rxd = opt->rxd;
	port->txd = opt->txd;
	ret = rte_eth_dev_adjust_nb_rx_tx_desc(port->id, &port->rxd, &port->txd);
	if (ret != 0) {
		fprintf(stderr, "fido-fwd: port %u (%s): cannot adjust --rxd and --txd: %s\n",
			port->id, port->name, strerror(-ret));
		return ret;
	}
	return choose_mtu(port, opt, &info);
}

void
fwd_port_pair(struct fwd_port *from, struct fwd_port *to, const struct fwd_options *opt)
{
	if (!opt->offload)
		return;
	from->rx_unfinished = from->unfinished && to->can_finish;
	from->rx_split = from->rx_unfinished && from->can_split && opt->data_room == 0;
	to->tx_finish |= from->rx_unfinished;
}

static int
configure(const struct fwd_port *port, const struct fwd_options *opt, bool rx_intr)
{
	struct rte_eth_dev_info info;
	struct rte_eth_conf conf = {.rxmode.mtu = opt->mtu, .intr_conf.rxq = rx_intr};
	int ret;

	ret = rte_eth_dev_info_get(port->id, &info);
	if (ret != 0)
		return ret;
	conf.intr_conf.lsc = !!(*info.dev_flags & RTE_ETH_DEV_INTR_LSC);
	if (port->multi_segs)
		conf.txmode.offloads |= RTE_ETH_TX_OFFLOAD_MULTI_SEGS;
	if (port->tx_finish)
		conf.txmode.offloads |=
			TX_FINISH | (port->can_cut_udp ? RTE_ETH_TX_OFFLOAD_UDP_TSO : 0);
	if (port->rx_unfinished)
		conf.rxmode.offloads |= RTE_ETH_RX_OFFLOAD_TCP_LRO;
	if (port->rx_split)
		conf.rxmode.offloads |= RTE_ETH_RX_OFFLOAD_BUFFER_SPLIT;
	if (port->rx_scatter)
		conf.rxmode.offloads |= RTE_ETH_RX_OFFLOAD_SCATTER;
	if (port->nb_rxq > 1 && info.flow_type_rss_offloads != 0 && info.reta_size != 0) {
		conf.rxmode.mq_mode = RTE_ETH_MQ_RX_RSS;
		conf.rx_adv_conf.rss_conf.rss_hf = info.flow_type_rss_offloads &
			(RTE_ETH_RSS_IP | RTE_ETH_RSS_TCP | RTE_ETH_RSS_UDP);
	}
	return rte_eth_dev_configure(port->id, port->nb_rxq, port->nb_txq, &conf);
}

static int
set_up_rx_queue(const struct fwd_port *port, uint16_t q, const struct fwd_port_pools *pools)
{
	union rte_eth_rxseg segs[2] = {
		{.split.mp = pools->rx,
			.split.length =
				rte_pktmbuf_data_room_size(pools->rx) - RTE_PKTMBUF_HEADROOM},
		{.split.mp = pools->rest},
	};
	struct rte_eth_rxconf conf = {.rx_seg = segs,
		.rx_nseg = 2,
		.offloads = RTE_ETH_RX_OFFLOAD_BUFFER_SPLIT};
	int socket = rte_eth_dev_socket_id(port->id);

	return rte_eth_rx_queue_setup(port->id, q, port->rxd, socket, port->rx_split ? &conf : NULL,
		port->rx_split ? NULL : pools->rx);
}

/* Configure the port, set up its queues, start it. On failure *step names the step. */
static int
bring_up(const struct fwd_port *port, const struct fwd_options *opt,
	const struct fwd_port_pools *pools, bool rx_intr, const char **step)
{
	int socket = rte_eth_dev_socket_id(port->id);
	int ret;

	*step = "configure it";
	ret = configure(port, opt, rx_intr);
	if (ret != 0)
		return ret;
	*step = "set its MTU";
	if (opt->mtu != 0) {
		ret = rte_eth_dev_set_mtu(port->id, opt->mtu);
		if (ret != 0 && ret != -ENOTSUP)
			return ret;
	}
	*step = "set up an Rx queue";
	for (uint16_t q = 0; q < port->nb_rxq; q++) {
		ret = set_up_rx_queue(port, q, pools);
		if (ret != 0)
			return ret;
	}
	*step = "set up a Tx queue";
	for (uint16_t q = 0; q < port->nb_txq; q++) {
		ret = rte_eth_tx_queue_setup(port->id, q, port->txd, socket, NULL);
		if (ret != 0)
			return ret;
	}
	*step = "start it";
	return rte_eth_dev_start(port->id);
}

/*
 * Return whether every Rx queue has an interrupt. Suppress the log of ethdev: a user cannot act on
 * it.
 */
static bool
find_rx_intr(const struct fwd_port *port)
{
	int logtype = rte_log_register("lib.ethdev");
	int level = rte_log_get_level(logtype);
	bool found = port->nb_rxq > 0;

	if (logtype >= 0)
		rte_log_set_level(logtype, RTE_LOG_CRIT);
	for (uint16_t q = 0; q < port->nb_rxq && found; q++)
		found = rte_eth_dev_rx_intr_ctl_q_get_fd(port->id, q) >= 0;
	if (logtype >= 0)
		rte_log_set_level(logtype, level);
	return found;
}

static void
find_counters(struct fwd_port *port)
{
	for (int i = 0; i < FWD_NB_PORT_COUNTERS; i++)
		port->has_counter[i] =
			rte_eth_xstats_get_id_by_name(port->id, fwd_port_counter_names[i],
				&port->counter_id[i]) == 0;
}

int
fwd_port_start(struct fwd_port *port, const struct fwd_options *opt,
	const struct fwd_port_pools *pools)
{
	bool rx_intr = opt->idle != FWD_IDLE_POLL && (port->source || port->mmnet);
	struct rte_eth_dev_info info;
	const char *step;
	int ret;

	ret = bring_up(port, opt, pools, rx_intr, &step);
	if (ret != 0 && rx_intr) {
		rx_intr = false;
		ret = bring_up(port, opt, pools, rx_intr, &step);
	}
	if (ret != 0) {
		fprintf(stderr,
			"fido-fwd: port %u (%s): cannot %s: %s: "
			"see the driver's message above, and check --rxq, --txq, --rxd, "
			"--txd and --mtu\n",
			port->id, port->name, step, strerror(-ret));
		return ret;
	}
	port->started = true;
	port->rx_intr = rx_intr && find_rx_intr(port);
	atomic_store(&port->live,
		rte_eth_dev_info_get(port->id, &info) == 0 &&
			(*info.dev_flags & RTE_ETH_DEV_INTR_LSC));
	port->tx_cleanup = port->nb_txq > 0 && rte_eth_tx_done_cleanup(port->id, 0, 0) >= 0;
	find_counters(port);
	ret = rte_eth_promiscuous_enable(port->id);
	if (ret != 0 && ret != -ENOTSUP && !opt->quiet)
		fprintf(stderr,
			"fido-fwd: port %u (%s): cannot enable promiscuous mode: %s: it "
			"receives only frames for its own MAC address\n",
			port->id, port->name, strerror(-ret));
	fwd_port_refresh_link(port);
	return 0;
}

void
fwd_port_quiesce(struct fwd_port *port)
{
	int ret;

	if (!port->started || !port->mmnet)
		return;
	fwd_port_refresh_link(port);
	atomic_store(&port->live, false);
	ret = rte_eth_dev_set_link_down(port->id);
	if (ret != 0)
		fprintf(stderr, "fido-fwd: port %u (%s): cannot tell the peer to stop: %s\n",
			port->id, port->name, strerror(-ret));
}

void
fwd_port_stop(struct fwd_port *port)
{
	int ret;

	if (port->started) {
		ret = rte_eth_dev_stop(port->id);
		if (ret != 0)
			fprintf(stderr, "fido-fwd: port %u (%s): cannot stop it: %s\n", port->id,
				port->name, strerror(-ret));
		port->started = false;
	}
	ret = rte_eth_dev_close(port->id);
	if (ret != 0)
		fprintf(stderr, "fido-fwd: port %u (%s): cannot close it: %s\n", port->id,
			port->name, strerror(-ret));
}

void
fwd_port_refresh_link(struct fwd_port *port)
{
	struct rte_eth_link link;
	bool up;

	/* A driver that cannot report its link counts as up. */
	up = rte_eth_link_get_nowait(port->id, &link) != 0 || link.link_status == RTE_ETH_LINK_UP;
	atomic_store_explicit(&port->link_up, up, memory_order_relaxed);
}

uint64_t
fwd_port_counter(const struct fwd_port *port, enum fwd_port_counter counter)
{
	uint64_t value;

	if (!port->started || !port->has_counter[counter] ||
		rte_eth_xstats_get_by_id(port->id, &port->counter_id[counter], &value, 1) != 1)
		return 0;
	return value;
}

void
fwd_port_reap(const struct fwd_port *port, uint16_t tx_queue)
{
	if (port->tx_cleanup)
		rte_eth_tx_done_cleanup(port->id, tx_queue, 0);
}
