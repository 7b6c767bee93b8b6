/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A port whose queues are not all set up does not start and says why; all valid ring sizes work.
 *
 * All transmit rings have the size of the largest one in use, whatever the order of set-up, and the
 * port reports that size. The turns for which a packet waits for mbufs last as long on a slow clock
 * as on a fast one.
 */
#include "test.h"

#include <rte_eal.h>
#include <rte_ethdev.h>
#include <rte_log.h>

#include "mmnet_port.h"
#include "mmnet_rxq.h"
#include "mmnet_txq.h"

#define PORT 0

uint64_t __wrap_rte_get_tsc_hz(void);
uint64_t __real_rte_get_tsc_hz(void);
static uint64_t hz; /* 0: the processor's */

uint64_t
__wrap_rte_get_tsc_hz(void)
{
	return hz != 0 ? hz : __real_rte_get_tsc_hz();
}

static struct rte_mempool *pool;

/* @return the messages of f(PORT); the caller frees them */
static char *
said_by(int (*f)(uint16_t), int *ret)
{
	char *text = NULL;
	size_t size;
	FILE *stream = open_memstream(&text, &size);

	assert_non_null(stream);
	rte_openlog_stream(stream);
	*ret = f(PORT);
	rte_openlog_stream(NULL);
	fclose(stream);
	return text;
}

static void
does_not_start(const char *why)
{
	int ret;
	char *text = said_by(rte_eth_dev_start, &ret);

	assert_int_equal(ret, -EINVAL);
	assert_non_null(strstr(text, why));
	free(text);
}

static void
configure(uint16_t nrx, uint16_t ntx)
{
	struct rte_eth_conf conf = {0};

	assert_int_equal(rte_eth_dev_configure(PORT, nrx, ntx, &conf), 0);
}

static void
set_up_rx(uint16_t queue, uint16_t n)
{
	assert_int_equal(rte_eth_rx_queue_setup(PORT, queue, n, SOCKET_ID_ANY, NULL, pool), 0);
}

static void
set_up_tx(uint16_t queue, uint16_t n)
{
	assert_int_equal(rte_eth_tx_queue_setup(PORT, queue, n, SOCKET_ID_ANY, NULL), 0);
}

static void
queues_that_are_not_set_up(void **state)
{
	(void)state;
	configure(2, 2);
	does_not_start("Rx queue 0 is not set up");
	set_up_rx(0, 256);
	set_up_tx(0, 256);
	does_not_start("Rx queue 1 is not set up");
	set_up_rx(1, 256);
	does_not_start("Tx queue 1 is not set up");
	set_up_tx(1, 256);
	assert_int_equal(rte_eth_dev_start(PORT), 0);
	assert_int_equal(rte_eth_dev_stop(PORT), 0);
	/* One queue more than before. */
	configure(2, 3);
	does_not_start("Tx queue 2 is not set up");
	assert_int_equal(rte_eth_dev_reset(PORT), 0);
	configure(1, 1);
	does_not_start("Rx queue 0 is not set up");
}

static void
rings_of_any_size(void **state)
{
	static const uint16_t sizes[] = {64, 65, 100, 1000, 1024, 1025, 3000, 32767, 32768};

	(void)state;
	for (size_t i = 0; i < RTE_DIM(sizes); i++) {
		uint16_t rx = RTE_MIN(sizes[i], 4000), tx = sizes[i];
		struct rte_eth_rxq_info rxq;
		struct rte_eth_txq_info txq;

		configure(1, 1);
		assert_int_equal(rte_eth_dev_adjust_nb_rx_tx_desc(PORT, &rx, &tx), 0);
		assert_int_equal(tx, sizes[i]);
		set_up_rx(0, rx);
		set_up_tx(0, tx);
		assert_int_equal(rte_eth_dev_start(PORT), 0);
		assert_int_equal(rte_eth_rx_queue_info_get(PORT, 0, &rxq), 0);
		assert_int_equal(rte_eth_tx_queue_info_get(PORT, 0, &txq), 0);
		assert_int_equal(rxq.nb_desc, rx);
		assert_int_equal(txq.nb_desc, rte_align32pow2(tx));
		assert_true(txq.conf.tx_free_thresh < txq.nb_desc);
		assert_int_equal(rte_eth_dev_stop(PORT), 0);
	}
}

/* What the port reports of its n transmit queues is true. */
static void
all_have(uint16_t n, uint16_t size)
{
	struct rte_eth_txq_info info;

	for (uint16_t i = 0; i < n; i++) {
		assert_int_equal(rte_eth_tx_queue_info_get(PORT, i, &info), 0);
		assert_int_equal(info.nb_desc, size);
		assert_true(info.conf.tx_free_thresh < size);
	}
}

static void
started_all_have(uint16_t n, uint16_t size)
{
	const struct mmnet_port *port = rte_eth_devices[PORT].data->dev_private;

	all_have(n, size);
	assert_int_equal(rte_eth_dev_start(PORT), 0);
	assert_int_equal(port->ring_size, size);
	all_have(n, size);
	for (uint16_t i = 0; i < n; i++)
		assert_int_equal(port->txq[i]->lag, mmnet_tx_lag(size));
	assert_int_equal(rte_eth_dev_stop(PORT), 0);
	all_have(n, size);
}

static void
rings_set_up_in_any_order(void **state)
{
	(void)state;
	configure(1, 2);
	set_up_rx(0, 256);
	set_up_tx(1, 4096);
	set_up_tx(0, 1024);
	started_all_have(2, 4096);
	set_up_tx(0, 8192);
	set_up_tx(1, 64);
	started_all_have(2, 8192);
	/* Smaller again; the largest one comes last. */
	set_up_tx(1, 512);
	set_up_tx(0, 100);
	started_all_have(2, 512);
	/* Queue 1 is not in use. */
	configure(1, 1);
	started_all_have(1, 128);
}

/* The ARM architecture allows counters from 1 MHz to 1 GHz; the last value does not exist. */
static void
turns_by_the_clock(void **state)
{
	static const uint64_t clocks[] = {1000000, 25000000, 1000000000, 3000000000, 1};
	const struct mmnet_port *port = rte_eth_devices[PORT].data->dev_private;

	(void)state;
	configure(1, 1);
	set_up_rx(0, 256);
	set_up_tx(0, 256);
	for (size_t i = 0; i < RTE_DIM(clocks); i++) {
		hz = clocks[i];
		assert_int_equal(rte_eth_dev_start(PORT), 0);
		assert_int_equal(port->rxq[0]->wait_turn, RTE_MAX(hz / 50, UINT64_C(1)));
		assert_int_equal(rte_eth_dev_stop(PORT), 0);
	}
	hz = 0;
}

/* The port adjusts sizes out of range. */
static void
sizes_out_of_range(void **state)
{
	uint16_t rx = 1, tx = 1;

	(void)state;
	configure(1, 1);
	assert_int_not_equal(rte_eth_tx_queue_setup(PORT, 0, tx, SOCKET_ID_ANY, NULL), 0);
	assert_int_equal(rte_eth_dev_adjust_nb_rx_tx_desc(PORT, &rx, &tx), 0);
	set_up_rx(0, rx);
	set_up_tx(0, tx);
	tx = 65535;
	assert_int_equal(rte_eth_dev_adjust_nb_rx_tx_desc(PORT, NULL, &tx), 0);
	set_up_tx(0, tx);
	assert_int_equal(rte_eth_dev_start(PORT), 0);
	assert_int_equal(rte_eth_dev_stop(PORT), 0);
	assert_int_equal(rte_eth_dev_close(PORT), 0);
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(queues_that_are_not_set_up),
		cmocka_unit_test(rings_of_any_size), cmocka_unit_test(rings_set_up_in_any_order),
		cmocka_unit_test(turns_by_the_clock), cmocka_unit_test(sizes_out_of_range)};
	char *eal[] = {argv[0], "--no-huge", "-m64", "--no-pci", "--no-shconf", "--no-telemetry",
		"--log-level=lib.eal:error",
		"--vdev=net_mmnet0,group=" TEST_GROUP ",domain=a,peer=b,rx=zero,hugepages=off",
		NULL};
	int ret;

	test_begin(argc, argv);
	if (rte_eal_init((int)RTE_DIM(eal) - 1, eal) < 0)
		return 1;
	pool = rte_pktmbuf_pool_create("rx", 1023, 0, 0, RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY);
	if (pool == NULL)
		return 1;
	ret = cmocka_run_group_tests(tests, NULL, NULL);
	rte_eal_cleanup();
	return ret;
}
