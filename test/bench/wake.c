/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Measure the time of a single packet from before it is sent until its receiver has it, which
 * sleeps on an Rx interrupt or polls. It works with any driver, so that all are measured alike.
 *
 * usage: bench-wake [EAL options] -- send GAP_US            sends until stopped
 *        bench-wake [EAL options] -- poll|sleep COUNT       exits after COUNT packets
 */
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <rte_cycles.h>
#include <rte_eal.h>
#include <rte_epoll.h>
#include <rte_errno.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>

#include "latency.h"

#define PACKET 64
#define STAMP 16 /* offset of the time in the packet */
#define WARM_UP 100
#define GIVE_UP_NS UINT64_C(30000000000)

static volatile sig_atomic_t stopped;

static void
on_signal(int number)
{
	(void)number;
	stopped = 1;
}

static int
start_port(struct rte_mempool *pool, bool intr)
{
	struct rte_eth_conf conf = {.intr_conf.rxq = intr};
	int ret = rte_eth_dev_configure(0, 1, 1, &conf);

	if (ret == 0)
		ret = rte_eth_rx_queue_setup(0, 0, 1024, SOCKET_ID_ANY, NULL, pool);
	if (ret == 0)
		ret = rte_eth_tx_queue_setup(0, 0, 1024, SOCKET_ID_ANY, NULL);
	if (ret == 0)
		ret = rte_eth_dev_start(0);
	if (ret == 0 && intr)
		ret = rte_eth_dev_rx_intr_ctl_q(0, 0, RTE_EPOLL_PER_THREAD, RTE_INTR_EVENT_ADD,
			NULL);
	return ret;
}

static bool
link_is_up(void)
{
	struct rte_eth_link link;

	return rte_eth_link_get_nowait(0, &link) == 0 && link.link_status == RTE_ETH_LINK_UP;
}

static int
send_all(struct rte_mempool *pool, uint64_t gap_ns)
{
	struct rte_mbuf *m;
	uint64_t now, next;

	while (!stopped && !link_is_up())
		rte_delay_us_sleep(1000);
	next = latency_now() + 100 * gap_ns;
	while (!stopped) {
		now = latency_now();
		if (now < next)
			continue;
		m = rte_pktmbuf_alloc(pool);
		if (m == NULL)
			return -ENOMEM;
		memset(rte_pktmbuf_append(m, PACKET), 0, PACKET);
		/*
		 * Late (the host took this CPU away): still give the receiver its time to fall
		 * asleep.
		 */
		now = latency_now();
		next = now + gap_ns;
		memcpy(rte_pktmbuf_mtod_offset(m, void *, STAMP), &now, sizeof(now));
		if (rte_eth_tx_burst(0, 0, &m, 1) != 1)
			rte_pktmbuf_free(m);
	}
	return 0;
}

/*
 * Arm first, look afterwards, as every sleeper must. @return packets; *slept grows if it was woken
 */
static uint16_t
sleep_for(struct rte_mbuf **m, uint16_t max, uint64_t *slept)
{
	struct rte_epoll_event event;
	uint16_t n;

	rte_eth_dev_rx_intr_enable(0, 0);
	n = rte_eth_rx_burst(0, 0, m, max);
	if (n == 0) {
		if (rte_epoll_wait_interruptible(RTE_EPOLL_PER_THREAD, &event, 1, 1000) == 1)
			(*slept)++;
		n = rte_eth_rx_burst(0, 0, m, max);
	}
	rte_eth_dev_rx_intr_disable(0, 0);
	return n;
}

static int
receive_all(uint64_t count, bool intr)
{
	uint64_t give_up = latency_now() + GIVE_UP_NS;
	uint64_t got = 0, slept = 0, then;
	struct rte_mbuf *m[32];
	uint16_t n;

	while (got < count + WARM_UP && !stopped) {
		n = intr ? sleep_for(m, RTE_DIM(m), &slept) : rte_eth_rx_burst(0, 0, m, RTE_DIM(m));
		for (uint16_t i = 0; i < n; i++) {
			memcpy(&then, rte_pktmbuf_mtod_offset(m[i], void *, STAMP), sizeof(then));
			if (got++ >= WARM_UP)
				latency_add(then);
			else
				slept = 0;
		}
		rte_pktmbuf_free_bulk(m, n);
		if (n == 0 && latency_now() > give_up)
			return -ETIMEDOUT;
	}
	latency_print(slept);
	return 0;
}

int
main(int argc, char **argv)
{
	struct sigaction action = {.sa_handler = on_signal};
	struct rte_mempool *pool;
	uint64_t number;
	bool intr;
	int ret = rte_eal_init(argc, argv);

	if (ret < 0 || argc - ret != 3) {
		fprintf(stderr,
			"usage: bench-wake [EAL options] -- send GAP_US | poll COUNT | sleep "
			"COUNT\n");
		return 2;
	}
	argv += ret;
	number = strtoull(argv[2], NULL, 10);
	intr = strcmp(argv[1], "sleep") == 0;
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	pool = rte_pktmbuf_pool_create("packets", 4095, 64, 0, RTE_MBUF_DEFAULT_BUF_SIZE,
		SOCKET_ID_ANY);
	ret = pool == NULL ? -rte_errno : start_port(pool, intr);
	if (ret == 0)
		ret = strcmp(argv[1], "send") == 0 ? send_all(pool, number * 1000)
						   : receive_all(number, intr);
	if (ret != 0)
		fprintf(stderr, "bench-wake: %s: %s\n", argv[1], strerror(-ret));
	rte_eth_dev_stop(0);
	rte_eth_dev_close(0);
	rte_eal_cleanup();
	return ret == 0 ? 0 : 1;
}
