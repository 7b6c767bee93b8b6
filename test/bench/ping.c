/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Measure the round trip of packets to a reflector: one at a time, and at shares of the highest
 * rate that loses none, which it finds by bisection (RFC 2544). It works with any driver, so that
 * all are measured alike.
 *
 * The offered rate is constant: a packet is due at its time, and if the port does not take it then,
 * it is lost, as with a hardware tester. If this CPU itself stood still for a while (the host took
 * it away), the packets due meanwhile are not sent later, and the trial does not count as one at
 * that rate.
 *
 * usage: bench-ping [EAL options] -- SIZE MILLISECONDS [PERCENT...]
 *
 * Prints a line of JSON for one packet at a time (load 0), and, if there is a PERCENT, one for the
 * rate and one for each PERCENT. MILLISECONDS is how long each of them takes; a trial takes a 100th
 * of it.
 */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <rte_cycles.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>

#include "latency.h"

#define STAMP 16 /* offset of the time in the packet; 0: this packet is not timed */
#define BURST 32
#define BEHIND_MAX 256 /* packets due at once: with more, this CPU stood still */
#define TRIES 5        /* per trial: the host may have caused a failure */
#define PRECISION 50   /* the rate is found to one part in this number */
#define RATE_MIN 100000
#define RATE_MAX 200000000
#define PROBES (LATENCY_MAX / 2)

static volatile sig_atomic_t stopped;
static struct rte_mempool *pool;
static uint64_t hz;
static uint16_t size;

/* Result of offering a rate for a while. */
struct trial {
	uint64_t sent;
	uint64_t refused; /* by the port */
	uint64_t skipped; /* were due while this CPU stood still */
	uint64_t received;
	uint64_t period; /* packets per timed packet */
};

static void
on_signal(int number)
{
	(void)number;
	stopped = 1;
}

static int
start_port(void)
{
	struct rte_eth_conf conf = {0};
	int ret = rte_eth_dev_configure(0, 1, 1, &conf);

	if (ret == 0)
		ret = rte_eth_rx_queue_setup(0, 0, 1024, SOCKET_ID_ANY, NULL, pool);
	if (ret == 0)
		ret = rte_eth_tx_queue_setup(0, 0, 1024, SOCKET_ID_ANY, NULL);
	return ret == 0 ? rte_eth_dev_start(0) : ret;
}

/* Receive once; evaluate the timed packets. @return packets */
static uint16_t
receive(struct trial *t)
{
	struct rte_mbuf *m[BURST];
	uint16_t n = rte_eth_rx_burst(0, 0, m, BURST);
	uint64_t then, now = n > 0 ? rte_rdtsc() : 0;

	for (uint16_t i = 0; i < n; i++) {
		memcpy(&then, rte_pktmbuf_mtod_offset(m[i], void *, STAMP), sizeof(then));
		if (then != 0)
			latency_add_ns((now - then) * 1000000 / (hz / 1000));
	}
	t->received += n;
	rte_pktmbuf_free_bulk(m, n);
	return n;
}

static void
send_packets(struct trial *t, uint16_t n)
{
	struct rte_mbuf *m[BURST];
	uint64_t now, stamp;
	uint16_t done;

	if (rte_pktmbuf_alloc_bulk(pool, m, n) != 0) {
		t->refused += n;
		return;
	}
	now = rte_rdtsc();
	for (uint16_t i = 0; i < n; i++) {
		m[i]->data_len = size;
		m[i]->pkt_len = size;
		stamp = t->period != 0 && (t->sent + i) % t->period == 0 ? now : 0;
		memcpy(rte_pktmbuf_mtod_offset(m[i], void *, STAMP), &stamp, sizeof(stamp));
	}
	done = rte_eth_tx_burst(0, 0, m, n);
	t->sent += done;
	t->refused += n - done;
	rte_pktmbuf_free_bulk(&m[done], n - done);
}

/* Until all are back, or none has arrived for 20 ms. */
static void
drain(struct trial *t)
{
	uint64_t last = rte_rdtsc();

	while (t->received < t->sent && rte_rdtsc() - last < hz / 50) {
		if (receive(t) > 0)
			last = rte_rdtsc();
	}
}

/* Offer a rate for this many ticks. */
static struct trial
offer(uint64_t rate, uint64_t ticks, bool timed)
{
	struct trial t = {.period = timed ? rate * ticks / hz / PROBES + 1 : 0};
	uint64_t start = rte_rdtsc(), now, behind;

	latency_reset();
	while ((now = rte_rdtsc()) - start < ticks && !stopped) {
		behind = (now - start) * rate / hz - (t.sent + t.refused + t.skipped);
		if (behind > BEHIND_MAX) {
			t.skipped += behind - BURST;
			behind = BURST;
		}
		if (behind > 0)
			send_packets(&t, RTE_MIN(behind, (uint64_t)BURST));
		receive(&t);
	}
	drain(&t);
	return t;
}

static bool
is_loss_free(uint64_t rate, uint64_t ticks)
{
	for (int i = 0; i < TRIES && !stopped; i++) {
		struct trial t = offer(rate, ticks, false);

		if (t.refused == 0 && t.received == t.sent && t.skipped <= rate * ticks / hz / 100)
			return true;
	}
	return false;
}

static uint64_t
find_rate(uint64_t ticks)
{
	uint64_t low = RATE_MIN, high, middle;

	while (low < RATE_MAX && is_loss_free(low * 2, ticks))
		low *= 2;
	high = low * 2;
	while (high - low > low / PRECISION && !stopped) {
		middle = (low + high) / 2;
		if (is_loss_free(middle, ticks))
			low = middle;
		else
			high = middle;
	}
	return low;
}

/* Send the next packet when the former one is back, or has not arrived for 20 ms. */
static struct trial
one_at_a_time(uint64_t ticks)
{
	struct trial t = {.period = 1};
	uint64_t start = rte_rdtsc();

	latency_reset();
	while (rte_rdtsc() - start < ticks && !stopped) {
		send_packets(&t, 1);
		drain(&t);
		t.received = t.sent;
	}
	return t;
}

/* Send now and then until one comes back: the reflector runs. */
static int
wait_for_reflector(void)
{
	struct trial t = {0};
	uint64_t start = rte_rdtsc();

	while (t.received == 0) {
		if (stopped || rte_rdtsc() - start > 20 * hz)
			return -ETIMEDOUT;
		send_packets(&t, 1);
		rte_delay_us_sleep(1000);
		receive(&t);
	}
	drain(&t);
	return 0;
}

static void
print(long load, uint64_t rate, const struct trial *t)
{
	printf("{\"load\":%ld,\"rate\":%" PRIu64 ",\"sent\":%" PRIu64 ",\"lost\":%" PRIu64
	       ",\"skipped\":%" PRIu64 ",",
		load, rate, t->sent, t->sent - t->received + t->refused, t->skipped);
	latency_print_members();
	printf("}\n");
	fflush(stdout);
}

static int
ping(uint64_t ticks, int n_loads, char **loads)
{
	struct trial t;
	uint64_t rate;
	int ret = wait_for_reflector();

	if (ret != 0)
		return ret;
	one_at_a_time(ticks / 10); /* warm up */
	t = one_at_a_time(ticks);
	print(0, 0, &t);
	if (n_loads == 0)
		return 0;
	rate = find_rate(ticks / 100);
	printf("{\"loss_free\":%" PRIu64 "}\n", rate);
	for (int i = 0; i < n_loads; i++) {
		long percent = strtol(loads[i], NULL, 10);

		t = offer(rate * (uint64_t)percent / 100, ticks, true);
		print(percent, rate, &t);
	}
	return 0;
}

int
main(int argc, char **argv)
{
	struct sigaction action = {.sa_handler = on_signal};
	uint64_t ms;
	int ret = rte_eal_init(argc, argv);

	if (ret < 0 || argc - ret < 3) {
		fprintf(stderr,
			"usage: bench-ping [EAL options] -- SIZE MILLISECONDS [PERCENT...]\n");
		return 2;
	}
	argc -= ret;
	argv += ret;
	hz = rte_get_tsc_hz();
	size = (uint16_t)RTE_MAX(64ul, RTE_MIN(strtoul(argv[1], NULL, 10), 2048ul));
	ms = strtoull(argv[2], NULL, 10);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	pool = rte_pktmbuf_pool_create("packets", 8191, 256, 0, RTE_MBUF_DEFAULT_BUF_SIZE,
		SOCKET_ID_ANY);
	ret = pool == NULL ? -rte_errno : start_port();
	if (ret == 0)
		ret = ping(ms * hz / 1000, argc - 3, argv + 3);
	if (ret != 0)
		fprintf(stderr, "bench-ping: %s\n", strerror(-ret));
	rte_eth_dev_stop(0);
	rte_eth_dev_close(0);
	rte_eal_cleanup();
	return ret == 0 ? 0 : 1;
}
