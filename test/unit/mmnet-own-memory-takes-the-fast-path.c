/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Bursts of packets in the domain's own memory are sent without looking up each packet.
 *
 * This holds wherever the memory is: in an arena, in several, at an arena's very end, and in EAL
 * memory that came back by its group address.
 */
#include "test.h"

#include <rte_eal.h>
#include <rte_mbuf.h>

#include "mmnet_port.h"
#include "mmnet_tx.h"
#include "mmnet_txq.h"

#define RING 256
#define BURST 32
#define LEN 60
#define M (UINT64_C(1) << 20)

/* Count lookups of single packets. */
enum fido_reach __real_fido_txq_reach_own_slot(struct fido_txq *q, uint64_t gaddr, uint32_t len);
enum fido_reach __wrap_fido_txq_reach_own_slot(struct fido_txq *q, uint64_t gaddr, uint32_t len);

static unsigned int asked;

enum fido_reach
__wrap_fido_txq_reach_own_slot(struct fido_txq *q, uint64_t gaddr, uint32_t len)
{
	asked++;
	return __real_fido_txq_reach_own_slot(q, gaddr, len);
}

static struct rte_mempool *pool;
static struct test_pair pair;
static struct fido_region *arena[4], *heap;
static char *heap_memory;
static struct mmnet_txq txq;

static int
set_up(void **state)
{
	uint64_t gaddr;
	int fd;

	(void)state;
	test_pair_start(&pair, RING);
	txq.q = fido_link_txq(pair.ab, 0);
	txq.lag = txq.many = RING;
	for (int i = 0; i < 4; i++)
		arena[i] = test_arena(pair.a, 2 * M);
	heap_memory = test_memory(4 * M, &fd);
	assert_int_equal(fido_region_import(pair.a, heap_memory, 4 * M, 2 * M, &heap), 0);
	assert_int_equal(fido_region_export(heap, 0, 4 * M, fd, 0), 0);
	TEST_WAIT(test_reach(txq.q, heap_memory, 1, &gaddr) == FIDO_REACH_OWN);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	test_pair_end(&pair);
	return 0;
}

static void
receive(const uint64_t *at)
{
	struct fido_rxq *q = fido_link_rxq(pair.ba, 0);
	struct fido_receiver *r;
	struct fido_desc d;

	TEST_WAIT(q->count == 1);
	fido_lock_take(&q->lock);
	r = q->receivers[0];
	for (unsigned int i = 0; i < BURST; i++) {
		assert_int_equal(fido_receiver_next(r, &d), 1);
		assert_int_equal((uintptr_t)d.data, at[i]);
		assert_int_equal(d.len, LEN);
		fido_receiver_complete(r, d.ticket, FIDO_STATUS_OK);
	}
	fido_receiver_stamp(r);
	fido_receiver_flush(r);
	fido_lock_release(&q->lock);
	mmnet_tx_reap(&txq);
	assert_int_equal(rte_mempool_in_use_count(pool), 0);
}

/*
 * Send packets at these group addresses unmodified. @return number of packets that had to be looked
 * up
 */
static unsigned int
send_at(const uint64_t *at)
{
	struct rte_mbuf *m[BURST];
	uint64_t own = txq.q->stats->zero_copy;

	assert_int_equal(rte_pktmbuf_alloc_bulk(pool, m, BURST), 0);
	for (unsigned int i = 0; i < BURST; i++) {
		m[i]->buf_addr = (void *)(uintptr_t)at[i];
		m[i]->data_off = 0;
		m[i]->data_len = LEN;
		m[i]->pkt_len = LEN;
	}
	asked = 0;
	assert_int_equal(mmnet_tx_burst(&txq, m, BURST), BURST);
	assert_int_equal(txq.q->stats->zero_copy - own, BURST);
	receive(at);
	return asked;
}

static void
in_an_arena(void **state)
{
	uint64_t at[BURST];

	(void)state;
	for (uint64_t i = 0; i < BURST; i++)
		at[i] = arena[0]->gaddr + i * 2048;
	assert_int_equal(send_at(at), 0);
}

static void
at_its_end(void **state)
{
	uint64_t at[BURST];

	(void)state;
	for (uint64_t i = 0; i < BURST; i++)
		at[i] = arena[0]->gaddr + arena[0]->len - (i + 1) * 64;
	assert_int_equal(send_at(at), 0);
}

static void
in_several_arenas(void **state)
{
	uint64_t at[BURST];

	(void)state;
	for (uint64_t i = 0; i < BURST; i++)
		at[i] = arena[i % 4]->gaddr + i * 2048;
	assert_int_equal(send_at(at), 0);
}

static void
come_back(void **state)
{
	uint64_t at[BURST];

	(void)state;
	for (uint64_t i = 0; i < BURST; i++)
		at[i] = heap->gaddr + i * 2048 + (i % 2) * 2 * M;
	assert_int_equal(send_at(at), 0);
}

/* A packet that crosses a granule border is looked up, and sent all the same. */
static void
across_a_border(void **state)
{
	uint64_t at[BURST];

	(void)state;
	for (uint64_t i = 0; i < BURST; i++)
		at[i] = heap->gaddr + 2 * M - 1 - i;
	assert_int_equal(send_at(at), BURST);
}

int
main(int argc, char **argv)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {TEST(in_an_arena), TEST(at_its_end),
		TEST(in_several_arenas), TEST(come_back), TEST(across_a_border)};
	char *eal[] = {argv[0], "--no-huge", "-m32", "--no-pci", "--no-shconf", "--no-telemetry",
		"--log-level=lib.eal:error", NULL};

	test_begin(argc, argv);
	if (rte_eal_init((int)RTE_DIM(eal) - 1, eal) < 0)
		return 1;
	/* The test decides where the packets lie. */
	pool = rte_pktmbuf_pool_create("packets", 255, 0, 0, RTE_PKTMBUF_HEADROOM, SOCKET_ID_ANY);
	if (pool == NULL)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
