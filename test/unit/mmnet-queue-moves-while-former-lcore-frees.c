/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Each buffer returns once when a receive queue moves between lcores while the former one frees
 * packets.
 */
/*
 *   peer (libfido, main thread) ====== victim (a mmnet port, polled by two lcores in turn)
 *
 * One lcore at a time polls, as DPDK requires. Each frees received packets at any time, also while
 * the other one polls.
 */
#include "mmnet_test.h"

#include <rte_launch.h>
#include <rte_lcore.h>

#define PACKETS 300000u
#define ENOUGH_MS 4000
#define LEN 64
#define KEPT 200
#define WORKERS 2

static struct mmnet_test t;
static struct rte_mempool *pool;
static _Atomic unsigned int turn; /* the lcore that polls */
static _Atomic bool stop;
static _Atomic uint32_t received;
static struct {
	unsigned int index, lcore;
} workers[WORKERS];

static struct fido_txq *
peer_queue(void)
{
	return fido_link_txq(t.link[0], 0);
}

/* Post up to 32 packets. @return number */
static uint32_t
post_some(uint32_t max)
{
	struct fido_buf bufs[32];
	void *cookies[MMNET_TEST_RING];
	int n;

	fido_txq_reap(peer_queue(), cookies, MMNET_TEST_RING);
	for (uint32_t i = 0; i < RTE_DIM(bufs); i++)
		bufs[i] = (struct fido_buf){.data = (const void *)t.mem->va,
			.len = LEN,
			.cookie = &t};
	n = fido_txq_post(peer_queue(), bufs, RTE_MIN(max, (uint32_t)RTE_DIM(bufs)));
	assert_true(n >= 0);
	return (uint32_t)n;
}

/* All that is out comes back as soon as any lcore polls. */
static bool
is_all_back(void)
{
	void *cookies[MMNET_TEST_RING];
	struct rte_mbuf *m;

	assert_int_equal(rte_eth_rx_burst(0, 0, &m, 1), 0);
	fido_txq_reap(peer_queue(), cookies, MMNET_TEST_RING);
	return fido_txq_out(peer_queue()) == 0;
}

static int
receive_and_free(void *arg)
{
	unsigned int me = *(unsigned int *)arg, n = 0;
	uint64_t seed = me + 1;
	struct rte_mbuf *m[KEPT];

	while (!stop || n != 0) {
		unsigned int some = RTE_MIN((unsigned int)(test_random(&seed) >> 40) % 40, n);

		if (turn == me) {
			for (int i = 0; i < 4 && !stop; i++) {
				uint16_t got = rte_eth_rx_burst(0, 0, m + n,
					(uint16_t)RTE_MIN(KEPT - n, 32u));

				n += got;
				received += got;
			}
			turn = (me + 1) % WORKERS;
		} else if (n == 0) {
			sched_yield();
		}
		/* One by one, or many at a time. */
		for (unsigned int i = 0; some < 8 && i < some; i++)
			rte_pktmbuf_free(m[--n]);
		if (some >= 8) {
			n -= some;
			rte_pktmbuf_free_bulk(m + n, some);
		}
	}
	return 0;
}

static void
launch(lcore_function_t *f, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++)
		assert_int_equal(rte_eal_remote_launch(f, &workers[i].index, workers[i].lcore), 0);
}

static void
frees_while_the_other_polls(void **state)
{
	uint32_t packets = test_rounds(PACKETS), sent = 0;
	uint64_t until = test_rounds_until(ENOUGH_MS);

	(void)state;
	launch(receive_and_free, WORKERS);
	while (sent < packets && test_now_ms() < until) {
		uint32_t n = post_some(packets - sent);

		sent += n;
		if (n == 0)
			sched_yield();
	}
	TEST_WAIT(received == sent);
	stop = true;
	rte_eal_mp_wait_lcore();
	TEST_WAIT(is_all_back());
	print_message("%u packets\n", sent);
	assert_true(sent > 1000);
}

/* Receive 10 packets, free them, then stay idle. */
static int
receive_free_and_idle(void *arg)
{
	struct rte_mbuf *m[10];
	uint16_t n = 0;

	(void)arg;
	while (n < 10)
		n = (uint16_t)(n + rte_eth_rx_burst(0, 0, m + n, (uint16_t)(10 - n)));
	for (int i = 0; i < 10; i++)
		rte_pktmbuf_free(m[i]);
	return 0;
}

static void
what_an_idle_lcore_freed_goes_back(void **state)
{
	(void)state;
	for (uint32_t sent = 0; sent < 10;)
		sent += post_some(10 - sent);
	launch(receive_free_and_idle, 1);
	rte_eal_mp_wait_lcore();
	TEST_WAIT(is_all_back());
}

/*
 * The queue is stopped and the lcore that polled it frees its packets: they return although no
 * lcore polls.
 */
static struct rte_mbuf *in_hand[10];

static int
receive_ten(void *arg)
{
	uint16_t n = 0;

	(void)arg;
	while (n < 10)
		n = (uint16_t)(n + rte_eth_rx_burst(0, 0, in_hand + n, (uint16_t)(10 - n)));
	return 0;
}

static int
free_ten(void *arg)
{
	(void)arg;
	rte_pktmbuf_free_bulk(in_hand, 10);
	return 0;
}

static void
what_is_freed_when_the_queue_is_stopped_goes_back(void **state)
{
	void *cookies[MMNET_TEST_RING];

	(void)state;
	for (uint32_t sent = 0; sent < 10;)
		sent += post_some(10 - sent);
	launch(receive_ten, 1);
	rte_eal_mp_wait_lcore();
	assert_int_equal(rte_eth_dev_rx_queue_stop(0, 0), 0);
	launch(free_ten, 1);
	rte_eal_mp_wait_lcore();
	TEST_WAIT((fido_txq_reap(peer_queue(), cookies, MMNET_TEST_RING),
		fido_txq_out(peer_queue()) == 0));
	assert_int_equal(rte_eth_dev_rx_queue_start(0, 0), 0);
}

/* Three lcores on two processors, if available. */
static void
choose_lcores(char *text, size_t size)
{
	cpu_set_t set;
	int cpu[2] = {-1, -1};

	assert_int_equal(sched_getaffinity(0, sizeof(set), &set), 0);
	for (int i = 0; i < CPU_SETSIZE && cpu[1] < 0; i++)
		if (CPU_ISSET(i, &set))
			cpu[cpu[0] >= 0] = i;
	if (cpu[1] < 0)
		cpu[1] = cpu[0];
	snprintf(text, size, "0@%d,1@%d,2@%d", cpu[0], cpu[0], cpu[1]);
}

int
main(int argc, char **argv)
{
	static const char *const rx[] = {"rx=zero"};
	const struct CMUnitTest tests[] = {cmocka_unit_test(frees_while_the_other_polls),
		cmocka_unit_test(what_an_idle_lcore_freed_goes_back),
		cmocka_unit_test(what_is_freed_when_the_queue_is_stopped_goes_back)};
	char lcores[64];
	unsigned int lcore, n = 0;
	int failed;

	test_begin(argc, argv);
	choose_lcores(lcores, sizeof(lcores));
	mmnet_test_start(&t, lcores, rx, 1, 1);
	RTE_LCORE_FOREACH_WORKER(lcore)
	{
		workers[n].index = n;
		workers[n++].lcore = lcore;
	}
	pool = rte_pktmbuf_pool_create("rx", 63, 0, 0, RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY);
	if (pool == NULL || n != WORKERS)
		return 1;
	mmnet_test_port(&t, 0, 0, pool);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	mmnet_test_end(&t, 1);
	return failed;
}
