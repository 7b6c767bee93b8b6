/* SPDX-License-Identifier: BSD-3-Clause */
/* Ports reset in the middle of traffic: they are as new, and can be set up again. */

#include <rte_cycles.h>
#include <rte_ethdev.h>

#include "pktcheck.h"

#define POLL_US 100
#define POLLS 20000

/* A reset loses what was sent and not received, but not what the peer keeps. */
static void
wait_received(struct app *app)
{
	for (unsigned int i = 0; i < POLLS && buffers_out(app) > app->opt.hold; i++) {
		reap(app);
		rte_delay_us_sleep(POLL_US);
	}
	app->reset_wrong += buffers_out(app) > app->opt.hold;
}

/* Change what a reset has to undo. MTU and number of queues differ from a new port's anyway. */
static void
change(struct app *app, uint16_t port)
{
	struct rte_ether_addr mac = {{0x02, 0, 0, 0, 0, 0x77}};

	app->reset_wrong += rte_eth_dev_default_mac_addr_set(port, &mac) != 0;
	mac.addr_bytes[5]++;
	app->reset_wrong += rte_eth_dev_mac_addr_add(port, &mac, 0) != 0;
	app->reset_wrong += rte_eth_promiscuous_disable(port) != 0;
}

static void
look_new(struct app *app, uint16_t port, const struct rte_ether_addr *mac)
{
	struct rte_ether_addr macs[4];
	struct rte_eth_dev_info info;
	struct rte_eth_stats stats;
	uint16_t mtu = 0;

	app->reset_wrong += rte_eth_dev_info_get(port, &info) != 0 || info.nb_rx_queues != 0 ||
		info.nb_tx_queues != 0;
	app->reset_wrong += rte_eth_dev_get_mtu(port, &mtu) != 0 || mtu != RTE_ETHER_MTU;
	app->reset_wrong += rte_eth_macaddrs_get(port, macs, RTE_DIM(macs)) < 2 ||
		!rte_is_same_ether_addr(&macs[0], mac) || !rte_is_zero_ether_addr(&macs[1]);
	app->reset_wrong += rte_eth_promiscuous_get(port) != 1;
	app->reset_wrong +=
		rte_eth_stats_get(port, &stats) != 0 || stats.opackets != 0 || stats.ipackets != 0;
	/* It is not configured. */
	app->reset_wrong += rte_eth_dev_start(port) == 0;
}

void
reset_step(struct app *app)
{
	struct rte_ether_addr mac;

	if (app->opt.reset == 0 || app->stopping ||
		app->tx_packets < (app->resets + 1) * app->opt.reset)
		return;
	app->resets++;
	wait_received(app);
	for (uint16_t port = 0; port < app->nports; port++) {
		app->reset_wrong += rte_eth_macaddr_get(port, &mac) != 0;
		change(app, port);
		app->reset_wrong += rte_eth_dev_reset(port) != 0;
		look_new(app, port, &mac);
		app->reset_wrong += port_setup(app, port) != 0;
	}
	for (unsigned int i = 0; i < POLLS && !links_up(app); i++)
		rte_delay_us_sleep(POLL_US);
	app->reset_wrong += !links_up(app);
	app->reset_out = RTE_MAX(app->reset_out, buffers_out(app));
}
