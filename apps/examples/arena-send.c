/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A DPDK application that sends COUNT packets through port 0, an mmnet port. Its mbuf pool is in an
 * arena, so the packets are sent without a copy although EAL's own memory is not exported
 * (heap=off).
 *
 *   example-arena-send --vdev=net_mmnet0,group=demo,domain=gen,peer=sink,heap=off \
 *                      [EAL options] -- COUNT
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_cycles.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <rte_pmd_mmnet.h>

#define MBUFS 2047u
#define BURST 32u
#define LEN 64u

static void
need(int ok, const char *what)
{
	if (!ok)
		rte_exit(1, "example-arena-send: cannot %s: %s\n", what, rte_strerror(rte_errno));
}

static void
start_port(struct rte_mempool *pool)
{
	struct rte_eth_conf conf = {0};
	struct rte_eth_link link = {0};

	need(rte_eth_dev_configure(0, 1, 1, &conf) == 0 &&
			rte_eth_rx_queue_setup(0, 0, 256, SOCKET_ID_ANY, NULL, pool) == 0 &&
			rte_eth_tx_queue_setup(0, 0, 256, SOCKET_ID_ANY, NULL) == 0 &&
			rte_eth_dev_start(0) == 0,
		"start port 0");
	while (rte_eth_link_get_nowait(0, &link) == 0 && link.link_status == RTE_ETH_LINK_DOWN)
		rte_delay_ms(10);
}

static uint16_t
make_packets(struct rte_mempool *pool, struct rte_mbuf **pkts, uint64_t wanted)
{
	uint16_t n = (uint16_t)RTE_MIN(wanted, BURST);
	struct rte_ether_hdr *eth;

	if (rte_pktmbuf_alloc_bulk(pool, pkts, n) != 0)
		return 0;
	for (uint16_t i = 0; i < n; i++) {
		eth = rte_pktmbuf_mtod(pkts[i], struct rte_ether_hdr *);
		pkts[i]->data_len = pkts[i]->pkt_len = LEN;
		memset(eth, 0, LEN);
		memset(&eth->dst_addr, 0xff, sizeof(eth->dst_addr));
		need(rte_eth_macaddr_get(0, &eth->src_addr) == 0, "read the MAC address of port 0");
		eth->ether_type = rte_cpu_to_be_16(0x88b5); /* local experimental EtherType */
	}
	return n;
}

static void
send_packets(struct rte_mempool *pool, uint64_t count)
{
	struct rte_mbuf *pkts[BURST];

	while (count > 0) {
		uint16_t n = make_packets(pool, pkts, count), sent = 0;

		while (sent < n)
			sent += rte_eth_tx_burst(0, 0, pkts + sent, n - sent);
		count -= n;
		/* The pool is empty: the peer holds the mbufs. */
		if (n == 0)
			rte_eth_tx_done_cleanup(0, 0, 0);
	}
	while (rte_mempool_in_use_count(pool) != 0 && rte_eth_tx_done_cleanup(0, 0, 0) >= 0)
		rte_delay_us_sleep(100);
}

int
main(int argc, char **argv)
{
	int used = rte_eal_init(argc, argv);
	struct rte_mempool *pool;
	uint64_t id, zero_copy = 0;

	need(used >= 0, "start EAL");
	if (argc - used != 2)
		rte_exit(2,
			"usage: example-arena-send --vdev=net_mmnet0,... [EAL options] -- COUNT\n");
	pool = rte_pmd_mmnet_pool_create("packets", MBUFS, 0, 0, RTE_MBUF_DEFAULT_BUF_SIZE);
	need(pool != NULL, "create an mbuf pool in an arena");
	start_port(pool);
	send_packets(pool, strtoull(argv[used + 1], NULL, 10));
	need(rte_eth_xstats_get_id_by_name(0, "tx_zero_copy_packets", &id) == 0 &&
			rte_eth_xstats_get_by_id(0, &id, &zero_copy, 1) == 1,
		"read tx_zero_copy_packets");
	printf("sent %" PRIu64 " packets without a copy\n", zero_copy);
	need(rte_eth_dev_stop(0) == 0 && rte_eth_dev_close(0) == 0, "close port 0");
	rte_mempool_free(pool);
	return rte_eal_cleanup();
}
