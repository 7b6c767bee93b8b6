/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A received packet's VLAN tag is stripped in each Rx mode, however the packet was segmented.
 *
 * Every buffer returns to its owner.
 */
#include "mmnet_test.h"

#define LEN 34
#define TCI 0x2007

enum {
	COPY,
	HEADER,
	ZERO,
	PORTS
};

static struct mmnet_test t;
static struct rte_mempool *pool;

/* Send a tagged packet, split at two places, either of which may be one of its ends. */
static void
send_cut(uint16_t port, const uint8_t *bytes, uint32_t first, uint32_t second)
{
	const uint32_t ends[] = {first, second, LEN};
	struct fido_txq *q = fido_link_txq(t.link[port], 0);
	struct fido_buf bufs[3];
	uint32_t at = 0;

	memcpy(test_buf(t.mem, port), bytes, LEN);
	for (int i = 0; i < 3; at = ends[i++])
		bufs[i] = (struct fido_buf){(uint8_t *)test_buf(t.mem, port) + at, ends[i] - at,
			i < 2 ? FIDO_DESC_CHAINED : 0, &t};
	TEST_WAIT(fido_txq_post(q, bufs, 3) == 3);
}

static void
check(const struct rte_mbuf *m, const uint8_t *bytes)
{
	uint8_t got[LEN];
	uint32_t at = 0;
	uint16_t segs = 0;

	assert_int_equal(m->pkt_len, LEN - 4);
	assert_int_equal(m->vlan_tci, TCI);
	assert_true((m->ol_flags & RTE_MBUF_F_RX_VLAN) != 0 &&
		(m->ol_flags & RTE_MBUF_F_RX_VLAN_STRIPPED) != 0);
	for (const struct rte_mbuf *s = m; s != NULL; at += s->data_len, segs++, s = s->next) {
		assert_true(at + s->data_len <= LEN - 4);
		memcpy(got + at, rte_pktmbuf_mtod(s, const void *), s->data_len);
	}
	assert_int_equal(at, LEN - 4);
	assert_int_equal(segs, m->nb_segs);
	assert_memory_equal(got, bytes, 12);
	assert_memory_equal(got + 12, bytes + 16, LEN - 16);
}

static void
taken_out(uint16_t port)
{
	uint8_t bytes[LEN];
	struct rte_mbuf *m;

	for (uint32_t i = 0; i < LEN; i++)
		bytes[i] = (uint8_t)(i * 7 + 1);
	memcpy(bytes + 12, (const uint8_t[]){0x81, 0, TCI >> 8, TCI & 0xff, 0x88, 0xb5}, 6);
	for (uint32_t first = 0; first <= LEN; first++)
		for (uint32_t second = first; second <= LEN; second++) {
			send_cut(port, bytes, first, second);
			TEST_WAIT(rte_eth_rx_burst(port, 0, &m, 1) == 1);
			check(m, bytes);
			rte_pktmbuf_free(m);
			mmnet_test_all_back(&t, port);
		}
	assert_int_equal(rte_eth_dev_stop(port), 0);
	assert_int_equal(rte_mempool_in_use_count(pool), 0);
	assert_int_equal(rte_eth_dev_start(port), 0);
}

static void
when_copied(void **state)
{
	taken_out(COPY);
}

static void
with_its_header_copied(void **state)
{
	taken_out(HEADER);
}

static void
in_place(void **state)
{
	taken_out(ZERO);
}

static int
begin(void **state)
{
	static const char *const rx[PORTS] =
		{[COPY] = "rx=copy", [HEADER] = "rx=header", [ZERO] = "rx=zero"};

	mmnet_test_start(&t, "0@0", rx, PORTS, 1);
	pool = rte_pktmbuf_pool_create("rx", 1023, 0, 0, RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY);
	assert_non_null(pool);
	for (uint16_t port = 0; port < PORTS; port++)
		mmnet_test_port(&t, port,
			RTE_ETH_RX_OFFLOAD_SCATTER | RTE_ETH_RX_OFFLOAD_VLAN_STRIP, pool);
	return 0;
}

static int
end(void **state)
{
	mmnet_test_end(&t, PORTS);
	return 0;
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(when_copied),
		cmocka_unit_test(with_its_header_copied), cmocka_unit_test(in_place)};

	test_begin(argc, argv);
	return cmocka_run_group_tests(tests, begin, end);
}
