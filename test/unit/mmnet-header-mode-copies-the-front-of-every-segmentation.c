/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * In header mode a packet's first 128 bytes are in one writable segment, however it was segmented.
 *
 * The rest follows.
 */
#include "mmnet_test.h"

#define LEN 300
#define FRONT 128

static struct mmnet_test t;
static struct rte_mempool *pool;
static uint8_t bytes[LEN];

static void
send_cut(uint32_t first, uint32_t second)
{
	const uint32_t ends[] = {first, second, LEN};
	struct fido_buf bufs[3];
	uint32_t at = 0;

	memcpy(test_buf(t.mem, 0), bytes, LEN);
	for (int i = 0; i < 3; at = ends[i++])
		bufs[i] = (struct fido_buf){(uint8_t *)test_buf(t.mem, 0) + at, ends[i] - at,
			i < 2 ? FIDO_DESC_CHAINED : 0, &t};
	TEST_WAIT(fido_txq_post(fido_link_txq(t.link[0], 0), bufs, 3) == 3);
}

static void
check(struct rte_mbuf *m)
{
	uint8_t got[LEN];
	uint32_t at = 0;

	assert_int_equal(m->pkt_len, LEN);
	assert_int_equal(m->data_len, FRONT);
	assert_ptr_equal(m->pool, pool);
	for (const struct rte_mbuf *s = m; s != NULL; at += s->data_len, s = s->next)
		memcpy(got + at, rte_pktmbuf_mtod(s, const void *), s->data_len);
	assert_int_equal(at, LEN);
	assert_memory_equal(got, bytes, LEN);
	memset(rte_pktmbuf_mtod(m, void *), 0, FRONT);
}

static void
copied(void **state)
{
	struct rte_mbuf *m;

	for (uint32_t i = 0; i < LEN; i++)
		bytes[i] = (uint8_t)(i * 7 + (i >> 8));
	for (uint32_t first = 0; first <= LEN;
		first += first < 20 || (first > 120 && first < 135) ? 1 : 13)
		for (uint32_t second = first; second <= LEN;
			second += second < 20 || (second > 120 && second < 135) ? 1 : 13) {
			send_cut(first, second);
			TEST_WAIT(rte_eth_rx_burst(0, 0, &m, 1) == 1);
			check(m);
			rte_pktmbuf_free(m);
			mmnet_test_all_back(&t, 0);
		}
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(copied)};
	const char *rx[] = {"rx=header"};
	int failed;

	test_begin(argc, argv);
	mmnet_test_start(&t, "0@0", rx, 1, 1);
	pool = rte_pktmbuf_pool_create("rx", 1023, 0, 0, RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY);
	if (pool == NULL)
		return 1;
	mmnet_test_port(&t, 0, RTE_ETH_RX_OFFLOAD_SCATTER, pool);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	mmnet_test_end(&t, 1);
	return failed;
}
