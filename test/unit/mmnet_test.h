/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef MMNET_TEST_H
#define MMNET_TEST_H

/**
 * @file
 * For tests of the driver in a process that is also its peer: a domain `peer` of libfido alone, and
 * EAL with mmnet ports of domain `victim`, each linked to it.
 */

#include "test.h"

#include <sched.h>

#include <rte_eal.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>

#define MMNET_TEST_RING 256
#define MMNET_TEST_ARENA (4u << 20)

struct mmnet_test {
	struct fido_domain *peer;
	struct fido_region *mem;
	struct fido_link *link[8]; /**< the peer's ends, by port */
};

/**
 * Start EAL with a port for each of n strings, its extra device arguments. The peer's end of each
 * link has ntx transmit queues. The ports are not configured.
 */
static inline void
mmnet_test_start(struct mmnet_test *t, const char *lcores, const char *const *devargs, int n,
	uint16_t ntx)
{
	char vdevs[8][200], lcore[96];
	char *args[20] = {"victim", "--no-huge", "-m", "128", "--no-pci", "--no-shconf",
		"--no-telemetry", "--log-level=error", lcore};
	int argc = 9;

	t->peer = test_join("peer");
	t->mem = test_arena(t->peer, MMNET_TEST_ARENA);
	snprintf(lcore, sizeof(lcore), "--lcores=%s", lcores);
	for (int i = 0; i < n; i++) {
		char name[8];

		snprintf(name, sizeof(name), "%d", i);
		t->link[i] = test_link(t->peer, "victim", name, ntx, 1, MMNET_TEST_RING);
		snprintf(vdevs[i], sizeof(vdevs[i]),
			"--vdev=net_mmnet%d,group=" TEST_GROUP
			",domain=victim,peer=peer,link=%d,hugepages=off,heap=off%s%s",
			i, i, devargs[i][0] != '\0' ? "," : "", devargs[i]);
		args[argc++] = vdevs[i];
	}
	assert_int_not_equal(rte_eal_init(argc, args), -1);
	assert_int_equal(rte_eth_dev_count_avail(), n);
}

/** Configure a port with one queue in each direction, start it, wait until the link is up. */
static inline void
mmnet_test_port(const struct mmnet_test *t, uint16_t port, uint64_t offloads,
	struct rte_mempool *pool)
{
	struct rte_eth_conf conf = {.rxmode = {.offloads = offloads}};
	struct rte_eth_link link = {0};

	assert_int_equal(rte_eth_dev_configure(port, 1, 1, &conf), 0);
	assert_int_equal(rte_eth_rx_queue_setup(port, 0, MMNET_TEST_RING, SOCKET_ID_ANY, NULL,
				 pool),
		0);
	assert_int_equal(rte_eth_tx_queue_setup(port, 0, MMNET_TEST_RING, SOCKET_ID_ANY, NULL), 0);
	assert_int_equal(rte_eth_dev_start(port), 0);
	TEST_WAIT(rte_eth_link_get_nowait(port, &link) == 0 &&
		link.link_status == RTE_ETH_LINK_UP && fido_link_is_up(t->link[port]));
}

/**
 * Poll until all that the peer's first queue sent is back. A poll does nothing while the control
 * thread has the queue's lock.
 */
static inline void
mmnet_test_all_back(const struct mmnet_test *t, uint16_t port)
{
	struct fido_txq *q = fido_link_txq(t->link[port], 0);
	void *cookies[MMNET_TEST_RING];
	struct rte_mbuf *m;

	TEST_WAIT((assert_int_equal(rte_eth_rx_burst(port, 0, &m, 1), 0),
		fido_txq_reap(q, cookies, MMNET_TEST_RING), fido_txq_out(q) == 0));
}

/** Close the ports and leave; fail unless all that was sent came back. */
static inline void
mmnet_test_end(struct mmnet_test *t, int n)
{
	for (int i = 0; i < n; i++) {
		assert_int_equal(rte_eth_dev_stop((uint16_t)i), 0);
		assert_int_equal(rte_eth_dev_close((uint16_t)i), 0);
	}
	for (int i = 0; i < n; i++)
		fido_link_destroy(t->link[i]);
	fido_domain_leave(t->peer);
	rte_eal_cleanup();
}

#endif
