/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Send and receive in lock-step with another process, so that callgrind counts every instruction of
 * a burst and no empty poll. It works with any driver.
 *
 * usage: bench-steps [EAL options] -- send|receive SIZE BURST COUNT FIFO_OF_SENDER FIFO_OF_RECEIVER
 *
 * The functions to count are steps_send(), steps_receive() and steps_free() (--toggle-collect).
 * Prints the number of packets that went through them.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rte_cycles.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>

#define BURST_MAX 64
#define WAIT_US 20000000

/* Not static: callgrind finds them by their names. */
uint16_t steps_send(struct rte_mbuf **m, uint16_t n);
uint16_t steps_receive(struct rte_mbuf **m, uint16_t n);
void steps_free(struct rte_mbuf **m, uint16_t n);

static struct rte_mempool *pool;
static uint16_t size;
static uint16_t burst;
static int mine, theirs;

__attribute__((noinline)) uint16_t
steps_send(struct rte_mbuf **m, uint16_t n)
{
	return rte_eth_tx_burst(0, 0, m, n);
}

__attribute__((noinline)) uint16_t
steps_receive(struct rte_mbuf **m, uint16_t n)
{
	return rte_eth_rx_burst(0, 0, m, n);
}

/* Part of receiving, too: the sender gets its buffers back. */
__attribute__((noinline)) void
steps_free(struct rte_mbuf **m, uint16_t n)
{
	rte_pktmbuf_free_bulk(m, n);
}

/* Pass the turn to the other process. */
static int
pass(void)
{
	return write(mine, "", 1) == 1 ? 0 : -errno;
}

/* Wait for the turn. @return 0; -EPIPE: the other process has exited */
static int
await(void)
{
	char c;

	return read(theirs, &c, 1) == 1 ? 0 : -EPIPE;
}

static int
send_burst(void)
{
	struct rte_mbuf *m[BURST_MAX];

	if (rte_pktmbuf_alloc_bulk(pool, m, burst) != 0)
		return -ENOMEM;
	for (uint16_t i = 0; i < burst; i++) {
		m[i]->data_len = size;
		m[i]->pkt_len = size;
	}
	return steps_send(m, burst) == burst ? 0 : -EAGAIN;
}

static int
receive_burst(void)
{
	struct rte_mbuf *m[BURST_MAX];
	uint16_t got = 0, n;

	while (got < burst) {
		n = steps_receive(m, burst - got);
		steps_free(m, n);
		got += n;
	}
	return 0;
}

static int
run(bool sends, uint64_t count)
{
	uint64_t done = 0;
	int ret = 0;

	while (done < count && ret == 0) {
		ret = sends ? send_burst() : await();
		if (ret == 0 && !sends)
			ret = receive_burst();
		if (ret == 0)
			ret = pass();
		if (ret == 0 && sends)
			ret = await();
		done += burst;
	}
	if (ret == 0)
		printf("packets %" PRIu64 "\n", done);
	return ret;
}

static int
start_port(void)
{
	struct rte_eth_conf conf = {0};
	struct rte_eth_link link = {0};
	int ret = rte_eth_dev_configure(0, 1, 1, &conf);

	if (ret == 0)
		ret = rte_eth_rx_queue_setup(0, 0, 1024, SOCKET_ID_ANY, NULL, pool);
	if (ret == 0)
		ret = rte_eth_tx_queue_setup(0, 0, 1024, SOCKET_ID_ANY, NULL);
	if (ret == 0)
		ret = rte_eth_dev_start(0);
	for (int us = 0; ret == 0 && us < WAIT_US && link.link_status != RTE_ETH_LINK_UP;
		us += 1000) {
		rte_delay_us_sleep(1000);
		ret = rte_eth_link_get_nowait(0, &link);
	}
	return ret;
}

int
main(int argc, char **argv)
{
	bool sends;
	int ret = rte_eal_init(argc, argv);

	if (ret < 0 || argc - ret != 7) {
		fprintf(stderr,
			"usage: bench-steps [EAL options] -- "
			"send|receive SIZE BURST COUNT FIFO_OF_SENDER FIFO_OF_RECEIVER\n");
		return 2;
	}
	argv += ret;
	sends = strcmp(argv[1], "send") == 0;
	size = (uint16_t)RTE_MIN(strtoul(argv[2], NULL, 10), 2048ul);
	burst = (uint16_t)RTE_MAX(1ul,
		RTE_MIN(strtoul(argv[3], NULL, 10), (unsigned long)BURST_MAX));
	pool = rte_pktmbuf_pool_create("packets", 4095, 256, 0, RTE_MBUF_DEFAULT_BUF_SIZE,
		SOCKET_ID_ANY);
	ret = pool == NULL ? -rte_errno : start_port();
	/* Both open them in the same order: each waits for the other here. */
	if (ret == 0 && sends) {
		mine = open(argv[5], O_WRONLY | O_CLOEXEC);
		theirs = open(argv[6], O_RDONLY | O_CLOEXEC);
	} else if (ret == 0) {
		theirs = open(argv[5], O_RDONLY | O_CLOEXEC);
		mine = open(argv[6], O_WRONLY | O_CLOEXEC);
	}
	if (ret == 0)
		ret = mine < 0 || theirs < 0 ? -errno : run(sends, strtoull(argv[4], NULL, 10));
	if (ret != 0)
		fprintf(stderr, "bench-steps: %s: %s\n", argv[1], strerror(-ret));
	rte_eth_dev_stop(0);
	rte_eth_dev_close(0);
	rte_eal_cleanup();
	return ret == 0 ? 0 : 1;
}
