/* SPDX-License-Identifier: BSD-3-Clause */
/* One queue: stopped for a while in the middle of traffic; and what ethdev reports of its ring. */

#include <errno.h>

#include <rte_cycles.h>
#include <rte_ethdev.h>

#include "pktcheck.h"

/* Polls of a stopped Rx queue. */
#define HALT_POLLS 200
#define HALT_POLL_US 50
/* Most polls to wait for what a stopped Tx queue had sent. */
#define RETURN_POLLS 50000
/* Time to watch an empty queue. */
#define MONITOR_US 2000

/* Check that nothing arrives; what the peer sends meanwhile must wait. */
static void
halt_rx(struct app *app)
{
	int ret = rte_eth_dev_rx_queue_stop(0, 0), before = rte_eth_rx_queue_count(0, 0), after;

	for (unsigned int i = 0; i < HALT_POLLS; i++) {
		struct rte_mbuf *m[4];
		uint16_t n = rte_eth_rx_burst(0, 0, m, RTE_DIM(m));

		app->halt_wrong += n;
		rte_pktmbuf_free_bulk(m, n);
		rte_delay_us_sleep(HALT_POLL_US);
	}
	after = rte_eth_rx_queue_count(0, 0);
	app->halt_wrong += ret != 0 || before < 0 || after < before;
	app->halt_waiting = RTE_MAX(app->halt_waiting, (uint64_t)RTE_MAX(after, 0));
	app->halt_wrong +=
		after > 0 && rte_eth_rx_descriptor_status(0, 0, 0) != RTE_ETH_RX_DESC_DONE;
	app->halt_wrong += rte_eth_dev_rx_queue_start(0, 0) != 0;
}

/* Check that nothing is accepted, and that all sent before comes back: the peer polls on. */
static void
halt_tx(struct app *app)
{
	int ret = rte_eth_dev_tx_queue_stop(0, 0);
	struct rte_mbuf *m = rte_pktmbuf_alloc(app->tx_pool);

	for (unsigned int i = 0; i < RETURN_POLLS && buffers_out(app) != 0; i++) {
		reap(app);
		rte_delay_us_sleep(HALT_POLL_US);
	}
	app->halt_wrong += ret != 0 || buffers_out(app) != 0;
	if (m != NULL) {
		rte_pktmbuf_append(m, 64);
		if (rte_eth_tx_burst(0, 0, &m, 1) != 0)
			app->halt_wrong++;
		else
			rte_pktmbuf_free(m);
	}
	app->halt_wrong += rte_eth_tx_descriptor_status(0, 0, 0) != RTE_ETH_TX_DESC_UNAVAIL;
	app->halt_wrong += rte_eth_dev_tx_queue_start(0, 0) != 0;
}

void
halt_step(struct app *app)
{
	uint64_t done = app->opt.mode == MODE_GEN ? app->tx_packets : app->rx_packets;

	if (app->opt.halt == 0 || done < (app->halts + 1) * app->opt.halt)
		return;
	app->halts++;
	if (app->opt.mode == MODE_GEN)
		halt_tx(app);
	else
		halt_rx(app);
}

/*
 * Act as a processor that waits for a write: the condition becomes true when a packet arrives, and
 * not before.
 */
void
monitor_step(struct app *app)
{
	uint64_t until = rte_get_timer_cycles() + rte_get_timer_hz() / 1000000 * MONITOR_US;
	struct rte_power_monitor_cond pmc;
	int ret;

	if (!app->opt.monitor)
		return;
	ret = rte_eth_get_monitor_addr(0, 0, &pmc);
	app->monitor_refused += ret == -ENOTSUP;
	while (ret == 0 && rte_get_timer_cycles() < until) {
		int waiting = rte_eth_rx_queue_count(0, 0);
		bool seen = pmc.fn(*(volatile uint64_t *)pmc.addr, pmc.opaque) != 0;

		if (seen) {
			app->monitor_seen++;
			app->monitor_wrong += rte_eth_rx_queue_count(0, 0) <= 0;
			return;
		}
		app->monitor_wrong += waiting > 0;
		app->monitor_empty++;
		rte_pause();
	}
}
