/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A packet is sent by address or copied as planned, even if the peer's reach changes meanwhile.
 *
 * A packet of many segments uses no more buffers and descriptors than were reserved for it, and all
 * its bytes arrive.
 */
#include "test.h"

#include <rte_eal.h>
#include <rte_ethdev.h>
#include <rte_malloc.h>
#include <rte_mbuf.h>

#include "mmnet_chain.h"
#include "mmnet_meta.h"
#include "mmnet_mtu.h"
#include "mmnet_port.h"
#include "mmnet_tx.h"
#include "mmnet_tx_offload.h"
#include "mmnet_txq.h"

#define RING 256
#define MANY 100
#define BUFFERS 256
#define M (UINT64_C(1) << 20)

/* The segments alternate between two regions, so that every lookup calls this function. */
const struct fido_region *__real_fido_txq_find_region(struct fido_txq *q, uintptr_t va);
const struct fido_region *__wrap_fido_txq_find_region(struct fido_txq *q, uintptr_t va);

static unsigned int asked, changes_after;
static bool readable; /* at first */

const struct fido_region *
__wrap_fido_txq_find_region(struct fido_txq *q, uintptr_t va)
{
	bool now = asked++ < changes_after ? readable : !readable;

	return now ? __real_fido_txq_find_region(q, va) : NULL;
}

static struct rte_mempool *pool;
static struct test_pair pair;
static char *memory[2];
static struct mmnet_port port;
static struct mmnet_tx_peer peer;
static struct mmnet_txq txq;
static uint16_t buffers[BUFFERS];

static int
set_up(void **state)
{
	struct fido_region *r[2];
	uint64_t gaddr;
	int fd;

	(void)state;
	test_pair_start(&pair, RING);
	txq = (struct mmnet_txq){0};
	txq.q = fido_link_txq(pair.ab, 0);
	for (int i = 0; i < 2; i++) {
		memory[i] = test_memory(2 * M, &fd);
		assert_int_equal(fido_region_import(pair.a, memory[i], 2 * M, 2 * M, &r[i]), 0);
		assert_int_equal(fido_region_export(r[i], 0, 2 * M, fd, 0), 0);
		readable = true;
		changes_after = UINT32_MAX;
		TEST_WAIT(test_reach(txq.q, memory[i], 1, &gaddr) == FIDO_REACH_OWN);
	}
	for (uint16_t i = 0; i < BUFFERS; i++)
		buffers[i] = i;
	txq.bounce_arena = pair.mem;
	txq.bounce = (char *)pair.mem->va;
	txq.bounce_free = buffers;
	txq.bounce_total = txq.bounce_count = BUFFERS;
	txq.lag = txq.many = RING;
	txq.port = &port;
	txq.peer = &peer;
	peer.queue_id = txq.q->sender->queue_id;
	peer.seq = fido_txq_note_seq(txq.q);
	peer.accepts = MMNET_META_ALL;
	port.spread = 1;
	port.max_frame = MMNET_MAX_FRAME;
	port.txq[0] = &txq;
	TEST_WAIT(test_reach(txq.q, txq.bounce, 1, &gaddr) == FIDO_REACH_OWN);
	return mmnet_chain_start(&txq, RING);
}

static int
tear_down(void **state)
{
	(void)state;
	mmnet_tx_reap(&txq);
	assert_int_equal(txq.bounce_count, BUFFERS);
	assert_int_equal(rte_mempool_in_use_count(pool), 0);
	test_pair_end(&pair);
	rte_free(txq.places);
	return 0;
}

/* Segment i consists of i + 1 bytes of value i. */
static struct rte_mbuf *
make(unsigned int segments)
{
	struct rte_mbuf *m[MANY];

	assert_int_equal(rte_pktmbuf_alloc_bulk(pool, m, segments), 0);
	for (unsigned int i = 0; i < segments; i++) {
		m[i]->buf_addr = memory[i % 2] + i * 256;
		m[i]->data_off = 0;
		m[i]->data_len = (uint16_t)(i + 1);
		memset(m[i]->buf_addr, (int)i, i + 1);
		m[i]->next = i + 1 < segments ? m[i + 1] : NULL;
	}
	m[0]->nb_segs = (uint16_t)segments;
	m[0]->pkt_len = segments * (segments + 1) / 2;
	return m[0];
}

/* Each segment arrives in one descriptor, after one with metadata if expected. */
static void
receive(unsigned int segments, bool with_meta)
{
	struct fido_rxq *q = fido_link_rxq(pair.ba, 0);
	struct fido_receiver *r;
	struct fido_desc d;

	TEST_WAIT(q->count == 1);
	fido_lock_take(&q->lock);
	r = q->receivers[0];
	for (unsigned int i = 0; i < segments + with_meta; i++) {
		unsigned int seg = i - with_meta;

		assert_int_equal(fido_receiver_next(r, &d), 1);
		assert_int_equal((d.flags & FIDO_DESC_CHAINED) != 0, i + 1 < segments + with_meta);
		if (with_meta && i == 0) {
			assert_true((d.flags & FIDO_DESC_INLINE) != 0);
		} else {
			assert_int_equal(d.len, seg + 1);
			assert_non_null(d.data);
			for (uint32_t k = 0; k < d.len; k++)
				assert_int_equal(((const uint8_t *)d.data)[k], seg);
		}
		fido_receiver_complete(r, d.ticket, FIDO_STATUS_OK);
	}
	assert_int_equal(fido_receiver_next(r, &d), 0);
	fido_receiver_stamp(r);
	fido_receiver_flush(r);
	fido_lock_release(&q->lock);
	mmnet_tx_reap(&txq);
}

static void
send_as(bool first, unsigned int free_buffers, bool with_meta)
{
	struct rte_mbuf *m = make(MANY);
	uint32_t out = fido_sender_out(txq.q->sender);
	uint64_t posted = txq.q->stats->posted;

	txq.bounce_count = free_buffers;
	txq.q->last = NULL;
	asked = 0;
	readable = first;
	changes_after = MANY;
	if (with_meta) {
		m->ol_flags |= RTE_MBUF_F_TX_VLAN;
		assert_int_equal(mmnet_tx_burst_offload(&txq, &m, 1), 1);
	} else {
		assert_int_equal(mmnet_tx_burst(&txq, &m, 1), 1);
	}
	assert_int_equal(txq.bounce_count, free_buffers - (first ? 0 : MANY));
	assert_int_equal(fido_sender_out(txq.q->sender) - out, MANY + with_meta);
	assert_int_equal(txq.q->stats->posted - posted, MANY + with_meta);
	receive(MANY, with_meta);
	assert_int_equal(txq.bounce_count, free_buffers);
	txq.bounce_count = BUFFERS;
}

static void
becomes_unreadable(void **state)
{
	(void)state;
	send_as(true, 0, false);
	send_as(true, 0, true);
}

static void
becomes_readable(void **state)
{
	(void)state;
	send_as(false, MANY, false);
	send_as(false, MANY, true);
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test_setup_teardown(becomes_unreadable,
						   set_up, tear_down),
		cmocka_unit_test_setup_teardown(becomes_readable, set_up, tear_down)};
	char *eal[] = {argv[0], "--no-huge", "-m32", "--no-pci", "--no-shconf", "--no-telemetry",
		"--log-level=lib.eal:error", NULL};

	test_begin(argc, argv);
	if (rte_eal_init((int)RTE_DIM(eal) - 1, eal) < 0)
		return 1;
	/* The test attaches the buffers. */
	pool = rte_pktmbuf_pool_create("segments", 255, 0, 0, RTE_PKTMBUF_HEADROOM, SOCKET_ID_ANY);
	if (pool == NULL)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
