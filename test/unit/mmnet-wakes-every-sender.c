/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A receive queue that reads several rings wakes the sender of each ring whose packets it returns.
 *
 * The packets are freed together by the polling lcore, by another thread, and after a stop of the
 * queue or a stop or reset of the port, by the lcore that polled.
 *
 *   peer (libfido, two transmit queues) ====== victim (DPDK, one receive queue, rx=zero)
 */
#include "mmnet_test.h"

#include <poll.h>
#include <pthread.h>

#define PORT 0
#define SENDERS 2

static struct mmnet_test t;
static struct rte_mempool *pool;

static struct fido_txq *
sender(uint16_t i)
{
	return fido_link_txq(t.link[PORT], i);
}

static void
sleep_all(void)
{
	for (uint16_t i = 0; i < SENDERS; i++) {
		fido_doorbell_clear(sender(i)->bell);
		assert_false(fido_txq_arm(sender(i)));
	}
}

static void
all_woken_for(unsigned int each, unsigned int left)
{
	for (uint16_t i = 0; i < SENDERS; i++) {
		struct pollfd fd = {.fd = fido_doorbell_fd(sender(i)->bell), .events = POLLIN};

		assert_int_equal(poll(&fd, 1, TEST_LIMIT_MS), 1);
		fido_txq_disarm(sender(i), true);
		assert_int_equal(test_take_all(sender(i), each), each);
		assert_int_equal(fido_txq_out(sender(i)), left);
	}
}

/* Receive one packet of each sender. */
static void
receive(struct rte_mbuf *m[SENDERS])
{
	unsigned int n = 0;

	for (uint16_t i = 0; i < SENDERS; i++)
		TEST_WAIT(test_post(sender(i), t.mem, i) == 1);
	TEST_WAIT((n += rte_eth_rx_burst(PORT, 0, m + n, (uint16_t)(SENDERS - n)), n == SENDERS));
}

/* They return at the next poll. */
static void
freed_by_the_lcore_that_polls(void **state)
{
	struct rte_mbuf *m[SENDERS];

	receive(m);
	sleep_all();
	rte_pktmbuf_free_bulk(m, SENDERS);
	/* One poll may do nothing: the control thread also takes the queue's lock. */
	for (int i = 0; i < 100; i++)
		assert_int_equal(rte_eth_rx_burst(PORT, 0, m, SENDERS), 0);
	all_woken_for(1, 0);
}

static void *
free_them(void *arg)
{
	rte_pktmbuf_free_bulk(arg, SENDERS);
	return NULL;
}

static void
freed_by_another_thread(void **state)
{
	struct rte_mbuf *m[SENDERS];
	pthread_t thread;

	receive(m);
	sleep_all();
	assert_int_equal(pthread_create(&thread, NULL, free_them, m), 0);
	pthread_join(thread, NULL);
	all_woken_for(1, 0);
}

/* Some are freed before the stop and not polled since, some after it. */
static void
freed_around_a_stop_of_the_queue(void **state)
{
	struct rte_mbuf *before[SENDERS], *after[SENDERS];

	receive(before);
	receive(after);
	sleep_all();
	rte_pktmbuf_free_bulk(before, SENDERS);
	assert_int_equal(rte_eth_dev_rx_queue_stop(PORT, 0), 0);
	all_woken_for(1, 1);
	sleep_all();
	rte_pktmbuf_free_bulk(after, SENDERS);
	all_woken_for(1, 0);
	assert_int_equal(rte_eth_dev_rx_queue_start(PORT, 0), 0);
}

/*
 * The application holds one packet of each sender, one of each is unread; the former are freed when
 * the port has stopped.
 */
static void
given_back(int (*end)(uint16_t port))
{
	struct rte_mbuf *m[SENDERS];

	receive(m);
	for (uint16_t i = 0; i < SENDERS; i++)
		assert_int_equal(test_post(sender(i), t.mem, SENDERS + i), 1);
	sleep_all();
	assert_int_equal(end(PORT), 0);
	all_woken_for(1, 1);
	sleep_all();
	rte_pktmbuf_free_bulk(m, SENDERS);
	all_woken_for(1, 0);
	mmnet_test_port(&t, PORT, 0, pool);
}

static void
given_back_by_a_stop(void **state)
{
	given_back(rte_eth_dev_stop);
}

static void
given_back_by_a_reset(void **state)
{
	given_back(rte_eth_dev_reset);
}

static int
begin(void **state)
{
	const char *devargs[] = {"rx=zero"};

	mmnet_test_start(&t, "0@0", devargs, 1, SENDERS);
	pool = rte_pktmbuf_pool_create("rx", 1023, 64, 0, RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY);
	assert_non_null(pool);
	mmnet_test_port(&t, PORT, 0, pool);
	return 0;
}

static int
end(void **state)
{
	mmnet_test_end(&t, 1);
	test_rundir_empty();
	return 0;
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(freed_by_the_lcore_that_polls),
		cmocka_unit_test(freed_by_another_thread),
		cmocka_unit_test(freed_around_a_stop_of_the_queue),
		cmocka_unit_test(given_back_by_a_stop), cmocka_unit_test(given_back_by_a_reset)};

	test_begin(argc, argv);
	return cmocka_run_group_tests(tests, begin, end);
}
