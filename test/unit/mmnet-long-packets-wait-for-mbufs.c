/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A packet that needs more mbufs than are free waits in its ring, whole, and blocks no other
 * forever.
 */
/*
 *   peer (libfido alone) ====== victim (mmnet ports, all with one small pool)
 *
 * Two rings lead to each receive queue. No waiting packet is lost; a packet too large for the whole
 * pool is.
 */
#include "mmnet_test.h"

#define PORTS 4
#define COPY 0
#define COPY_TOO 1
#define HEADER 2
#define ZERO 3
#define POOL 64
#define ROOM 256
/* An Ethernet header, then the packet's number, then bytes that depend on it. */
#define NUMBER 20
#define SHORT 64
/* Takes 40 mbufs: more than are read ahead. */
#define LONG (40 * ROOM)

static struct mmnet_test t;
static struct rte_mempool *pool;
static struct rte_mbuf *kept[POOL];
static uint32_t kept_count;
static uint32_t sent[2];
static uint32_t next_place;

/* ---- the peer ---- */

static uint8_t *
make_packet(uint32_t number, uint32_t len)
{
	uint8_t *p;

	if (next_place + len > MMNET_TEST_ARENA)
		next_place = 0;
	p = (uint8_t *)t.mem->va + next_place;
	next_place += (len + 63) & ~63u;
	for (uint32_t i = 0; i < len; i++)
		p[i] = (uint8_t)(number + i * 7 + (i >> 8));
	memset(p, 0, NUMBER);
	p[12] = 0x88;
	p[13] = 0xb5;
	memcpy(p + NUMBER, &number, sizeof(number));
	return p;
}

static struct fido_txq *
queue_of(uint16_t port, uint16_t ring)
{
	return fido_link_txq(t.link[port], ring);
}

/* Send a packet in n parts once its ring has room. */
static void
post(uint16_t port, uint16_t ring, const uint8_t *p, uint32_t len, uint32_t n)
{
	struct fido_buf bufs[MMNET_TEST_RING];
	struct fido_txq *q = queue_of(port, ring);
	void *cookies[MMNET_TEST_RING];

	for (uint32_t i = 0; i < n; i++)
		bufs[i] = (struct fido_buf){.data = p + (uint64_t)len * i / n,
			.len = (uint32_t)((uint64_t)len * (i + 1) / n) -
				(uint32_t)((uint64_t)len * i / n),
			.flags = i + 1 < n ? FIDO_DESC_CHAINED : 0,
			.cookie = &t};
	TEST_WAIT(
		(fido_txq_reap(q, cookies, MMNET_TEST_RING), fido_txq_post(q, bufs, n) == (int)n));
}

static void
send_packet(uint16_t port, uint16_t ring, uint32_t len, uint32_t n)
{
	post(port, ring, make_packet(ring << 24 | sent[ring], len), len, n);
	sent[ring]++;
}

/* ---- the application ---- */

/* Keep all but n mbufs of the pool. */
static void
keep_all_but(uint32_t n)
{
	assert_int_equal(rte_mempool_in_use_count(pool), 0);
	kept_count = POOL - n;
	assert_int_equal(rte_pktmbuf_alloc_bulk(pool, kept, kept_count), 0);
}

static void
free_kept(void)
{
	rte_pktmbuf_free_bulk(kept, kept_count);
	kept_count = 0;
}

static void
check_packet(const struct rte_mbuf *m, uint32_t number, uint32_t len)
{
	uint8_t copy[LONG];
	const uint8_t *p;

	assert_int_equal(m->pkt_len, len);
	p = rte_pktmbuf_read(m, 0, len, copy);
	assert_non_null(p);
	assert_memory_equal(p + NUMBER, &number, sizeof(number));
	for (uint32_t i = NUMBER + sizeof(number); i < len; i++)
		assert_int_equal(p[i], (uint8_t)(number + i * 7 + (i >> 8)));
}

/* @return one packet, or NULL */
static struct rte_mbuf *
poll_one(uint16_t port)
{
	struct rte_mbuf *m = NULL;

	return rte_eth_rx_burst(port, 0, &m, 1) == 1 ? m : NULL;
}

static struct rte_mbuf *
wait_for_one(uint16_t port)
{
	struct rte_mbuf *m = NULL;

	TEST_WAIT((m = poll_one(port)) != NULL);
	return m;
}

static struct rte_eth_stats
stats_of(uint16_t port)
{
	struct rte_eth_stats stats;

	assert_int_equal(rte_eth_stats_get(port, &stats), 0);
	return stats;
}

/*
 * Check that bursts of any size receive nothing, and that polls without mbufs are counted, except
 * those that found the queue locked.
 */
static void
nothing_comes(uint16_t port)
{
	struct rte_mbuf *m[32];
	uint16_t burst = 1;

	for (uint64_t until = test_now_ms() + TEST_LIMIT_MS; stats_of(port).rx_nombuf < 1000;
		burst = (uint16_t)(burst % 32 + 1)) {
		assert_true(test_now_ms() < until);
		assert_int_equal(rte_eth_rx_burst(port, 0, m, burst), 0);
	}
	assert_int_equal(stats_of(port).ierrors, 0);
}

/* Stop and start the port, so that its queue holds no mbufs. */
static void
begin(uint16_t port)
{
	struct rte_eth_link link = {0};

	assert_int_equal(rte_eth_dev_stop(port), 0);
	assert_int_equal(rte_mempool_in_use_count(pool), 0);
	assert_int_equal(rte_eth_dev_start(port), 0);
	TEST_WAIT(rte_eth_link_get_nowait(port, &link) == 0 &&
		link.link_status == RTE_ETH_LINK_UP && fido_link_is_up(t.link[port]));
	assert_int_equal(rte_eth_stats_reset(port), 0);
	sent[0] = sent[1] = 0;
}

/* Check that nothing was lost, and that all mbufs and the peer's buffers have returned. */
static void
end(uint16_t port, uint64_t lost)
{
	struct rte_eth_stats stats = stats_of(port);
	void *cookies[MMNET_TEST_RING];

	assert_int_equal(stats.ierrors, lost);
	assert_int_equal(stats.imissed, 0);
	assert_null(poll_one(port));
	for (uint16_t ring = 0; ring < 2; ring++)
		TEST_WAIT((poll_one(port),
			fido_txq_reap(queue_of(port, ring), cookies, MMNET_TEST_RING),
			fido_txq_out(queue_of(port, ring)) == 0));
	assert_int_equal(rte_eth_dev_stop(port), 0);
	assert_int_equal(rte_mempool_in_use_count(pool), 0);
	assert_int_equal(rte_eth_dev_start(port), 0);
}

/*
 * Check that a packet of n parts waits while too few mbufs are free, then arrives, and after it
 * what was sent later.
 */
static void
waits(uint16_t port, uint32_t len, uint32_t n, uint32_t few)
{
	struct rte_mbuf *m;

	begin(port);
	keep_all_but(few);
	send_packet(port, 0, len, n);
	send_packet(port, 0, SHORT, 1);
	nothing_comes(port);
	free_kept();
	m = wait_for_one(port);
	check_packet(m, 0, len);
	rte_pktmbuf_free(m);
	m = wait_for_one(port);
	check_packet(m, 1, SHORT);
	rte_pktmbuf_free(m);
	end(port, 0);
}

static void
in_one_piece(void **state)
{
	(void)state;
	waits(COPY, LONG, 1, 39);
	waits(COPY, 2 * ROOM + 1, 1, 2);
	waits(COPY, 2 * ROOM + 1, 1, 0);
}

static void
in_many_pieces(void **state)
{
	(void)state;
	waits(COPY, LONG, 2, 39);
	/* More than are read at a time. */
	waits(COPY, LONG, 100, 39);
	waits(COPY, LONG, 100, 1);
	waits(COPY, LONG, MMNET_TEST_RING - 1, 39);
}

static void
with_its_header_copied(void **state)
{
	(void)state;
	waits(HEADER, LONG, 1, 0);
	waits(HEADER, LONG, 100, 0);
	waits(HEADER, SHORT, 1, 0);
}

/* A packet that the whole pool could never hold is dropped and counted; the next one arrives. */
static void
more_than_the_pool(void **state)
{
	static const uint32_t parts[] = {1, 2, 100};
	struct rte_mbuf *m;

	(void)state;
	for (unsigned int i = 0; i < RTE_DIM(parts); i++) {
		begin(COPY);
		send_packet(COPY, 0, (POOL + 1) * ROOM, parts[i]);
		send_packet(COPY, 0, POOL * ROOM < LONG ? POOL * ROOM : LONG, parts[i]);
		m = wait_for_one(COPY);
		check_packet(m, 1, POOL * ROOM < LONG ? POOL * ROOM : LONG);
		rte_pktmbuf_free(m);
		end(COPY, 1);
	}
}

/*
 * While a packet waits for mbufs that the application never frees, packets from the other ring
 * arrive.
 */
static void
another_ring_goes_on(void **state)
{
	struct rte_mbuf *m;

	(void)state;
	begin(COPY);
	keep_all_but(39);
	send_packet(COPY, 0, LONG, 3);
	for (uint32_t i = 0; i < 20; i++) {
		send_packet(COPY, 1, SHORT, 1);
		m = wait_for_one(COPY);
		check_packet(m, 1 << 24 | i, SHORT);
		rte_pktmbuf_free(m);
	}
	free_kept();
	m = wait_for_one(COPY);
	check_packet(m, 0, LONG);
	rte_pktmbuf_free(m);
	end(COPY, 0);
}

/*
 * Another ring delivers packets without end, and the application frees one only when it gets no
 * more. The long one arrives.
 */
static void
another_ring_takes_not_all(void **state)
{
	struct rte_mbuf *fifo[POOL], *m;
	uint32_t first = 0, count = 0, next = 0;
	bool arrived = false;

	(void)state;
	begin(COPY);
	for (int i = 0; i < 100; i++)
		send_packet(COPY, 1, SHORT, 1);
	while (count < POOL - 10) {
		m = wait_for_one(COPY);
		check_packet(m, 1 << 24 | next++, SHORT);
		fifo[count++] = m;
	}
	send_packet(COPY, 0, LONG, 3);
	for (uint64_t until = test_now_ms() + TEST_LIMIT_MS; !arrived;) {
		assert_true(test_now_ms() < until);
		if (sent[1] - next < 50)
			send_packet(COPY, 1, SHORT, 1);
		m = poll_one(COPY);
		if (m != NULL && m->pkt_len == SHORT) {
			check_packet(m, 1 << 24 | next++, SHORT);
			fifo[(first + count++) % POOL] = m;
		} else if (m != NULL) {
			check_packet(m, 0, LONG);
			rte_pktmbuf_free(m);
			arrived = true;
		} else if (count != 0) {
			rte_pktmbuf_free(fifo[first++ % POOL]);
			count--;
		}
	}
	for (; count != 0; count--)
		rte_pktmbuf_free(fifo[first++ % POOL]);
	while (next < sent[1]) {
		m = wait_for_one(COPY);
		check_packet(m, 1 << 24 | next++, SHORT);
		rte_pktmbuf_free(m);
	}
	end(COPY, 0);
}

/*
 * Two queues share one pool, which holds one of their packets: neither queue keeps what the other
 * needs.
 */
static void
two_queues_of_one_pool(void **state)
{
	struct rte_mbuf *m;
	bool came[2] = {false, false};

	(void)state;
	begin(COPY_TOO);
	begin(COPY);
	keep_all_but(30);
	post(COPY, 0, make_packet(0, LONG), LONG, 100);
	post(COPY_TOO, 0, make_packet(0, LONG), LONG, 100);
	for (int i = 0; i < 100; i++) {
		assert_null(poll_one(COPY));
		assert_null(poll_one(COPY_TOO));
	}
	free_kept();
	for (uint64_t until = test_now_ms() + TEST_LIMIT_MS; !came[0] || !came[1];) {
		assert_true(test_now_ms() < until);
		for (uint16_t port = COPY; port <= COPY_TOO; port++) {
			m = poll_one(port);
			if (m == NULL)
				continue;
			check_packet(m, 0, LONG);
			rte_pktmbuf_free(m);
			came[port - COPY] = true;
		}
	}
	assert_int_equal(rte_eth_dev_stop(COPY_TOO), 0);
	end(COPY, 0);
	assert_int_equal(rte_eth_dev_start(COPY_TOO), 0);
}

/*
 * A packet whose tag is stripped takes an mbuf although it is not copied; one without a tag takes
 * none.
 */
static void
with_its_tag_taken_out(void **state)
{
	struct rte_mbuf *m;
	uint8_t *p;

	(void)state;
	for (uint32_t n = 1; n <= 100; n += 33) {
		begin(ZERO);
		keep_all_but(0);
		send_packet(ZERO, 0, SHORT, 1);
		m = wait_for_one(ZERO);
		check_packet(m, 0, SHORT);
		rte_pktmbuf_free(m);
		p = make_packet(1, LONG);
		memcpy(p + 12, (const uint8_t[]){0x81, 0, 0, 7, 0x88, 0xb5}, 6);
		post(ZERO, 0, p, LONG, n);
		nothing_comes(ZERO);
		free_kept();
		m = wait_for_one(ZERO);
		assert_int_equal(m->pkt_len, LONG - 4);
		assert_int_equal(m->vlan_tci, 7);
		assert_true((m->ol_flags & RTE_MBUF_F_RX_VLAN_STRIPPED) != 0);
		rte_pktmbuf_free(m);
		end(ZERO, 0);
	}
}

int
main(int argc, char **argv)
{
	static const char *const rx[PORTS] = {[COPY] = "rx=copy",
		[COPY_TOO] = "rx=copy",
		[HEADER] = "rx=header",
		[ZERO] = "rx=zero"};
	const struct CMUnitTest tests[] = {cmocka_unit_test(in_one_piece),
		cmocka_unit_test(in_many_pieces), cmocka_unit_test(with_its_header_copied),
		cmocka_unit_test(more_than_the_pool), cmocka_unit_test(another_ring_goes_on),
		cmocka_unit_test(another_ring_takes_not_all),
		cmocka_unit_test(two_queues_of_one_pool), cmocka_unit_test(with_its_tag_taken_out)};
	char lcores[16];
	int failed;

	test_begin(argc, argv);
	snprintf(lcores, sizeof(lcores), "0@%d", sched_getcpu());
	mmnet_test_start(&t, lcores, rx, PORTS, 2);
	pool = rte_pktmbuf_pool_create("rx", POOL, 0, 0, RTE_PKTMBUF_HEADROOM + ROOM,
		SOCKET_ID_ANY);
	if (pool == NULL)
		return 1;
	for (uint16_t port = 0; port < PORTS; port++)
		mmnet_test_port(&t, port,
			RTE_ETH_RX_OFFLOAD_SCATTER |
				(port == ZERO ? RTE_ETH_RX_OFFLOAD_VLAN_STRIP : 0),
			pool);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	mmnet_test_end(&t, PORTS);
	return failed;
}
