/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Proves: --mode mac swaps the addresses of packets in read-only memory without writing to it,
 * copies only the header if the Tx port sends several segments, and loses no packet when a pool is
 * empty; the sum of a packet does not depend on its segmentation.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

#include <rte_eal.h>
#include <rte_mempool.h>

#include "packet.h"
#include "sum.h"

#define NB_MBUFS 63
#define MEMORY 65536

static struct fwd_pools pools;
static struct rte_mempool *foreign; /* as a driver's pool: mbufs without buffers */
static uint8_t *memory;             /* of the peer: PROT_READ */
static struct rte_mbuf_ext_shared_info shared;
static unsigned int freed; /* how often a part of memory was freed */
static bool bare;          /* foreign mbufs are not marked as external */

static void
on_free(void *addr, void *arg)
{
	(void)addr;
	(void)arg;
	freed++;
	rte_mbuf_ext_refcnt_set(&shared, 1);
}

static int
set_up(void **state)
{
	(void)state;
	pools.rx = rte_pktmbuf_pool_create("rx", NB_MBUFS, 0, 0, RTE_MBUF_DEFAULT_BUF_SIZE, 0);
	pools.header = rte_pktmbuf_pool_create("header", NB_MBUFS, 0, 0,
		RTE_PKTMBUF_HEADROOM + FWD_HEADER_BYTES, 0);
	pools.copy = rte_pktmbuf_pool_create("copy", NB_MBUFS, 0, 0, 16384, 0);
	pools.copy_room = 16384 - RTE_PKTMBUF_HEADROOM;
	foreign = rte_pktmbuf_pool_create("foreign", NB_MBUFS, 0, 0, 0, 0);
	memory = mmap(NULL, MEMORY, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (pools.rx == NULL || pools.header == NULL || pools.copy == NULL || foreign == NULL ||
		memory == MAP_FAILED)
		return -1;
	for (unsigned int i = 0; i < MEMORY; i++)
		memory[i] = i * 31 + i / 251;
	shared.free_cb = on_free;
	return mprotect(memory, MEMORY, PROT_READ);
}

/* Fail if a test leaked an mbuf. */
static int
all_is_back(void **state)
{
	(void)state;
	return rte_mempool_full(pools.rx) && rte_mempool_full(pools.header) &&
			rte_mempool_full(pools.copy) && rte_mempool_full(foreign)
		? 0
		: -1;
}

static struct rte_mbuf *
segment(unsigned int offset, uint16_t len)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(foreign);

	assert_non_null(m);
	if (bare) {
		m->buf_addr = memory + offset;
		m->buf_len = len;
	} else {
		rte_mbuf_ext_refcnt_set(&shared, 1);
		rte_pktmbuf_attach_extbuf(m, memory + offset, RTE_BAD_IOVA, len, &shared);
	}
	m->data_off = 0;
	m->data_len = len;
	m->pkt_len = len;
	return m;
}

/*
 * Create a packet of the first bytes of memory, in segments of these lengths. The list ends with 0.
 */
static struct rte_mbuf *
packet(const uint16_t *lens)
{
	struct rte_mbuf *head = segment(0, lens[0]);
	unsigned int offset = lens[0];

	for (unsigned int i = 1; lens[i] != 0; i++) {
		assert_int_equal(rte_pktmbuf_chain(head, segment(offset, lens[i])), 0);
		offset += lens[i];
	}
	head->vlan_tci = 0x123;
	head->hash.rss = 0x5eed;
	head->l2_len = 14;
	head->packet_type = RTE_PTYPE_L2_ETHER;
	return head;
}

/* Check that m holds the first len bytes of memory, with the MAC addresses swapped. */
static void
assert_swapped(const struct rte_mbuf *m, uint32_t len)
{
	uint8_t *want = malloc(len), *room = malloc(len);
	const char *reason;

	assert_non_null(want);
	assert_non_null(room);
	assert_int_equal(m->pkt_len, len);
	assert_int_equal(rte_mbuf_check(m, 1, &reason), 0);
	memcpy(want, memory + 6, 6);
	memcpy(want + 6, memory, 6);
	memcpy(want + 12, memory + 12, len - 12);
	assert_memory_equal(rte_pktmbuf_read(m, 0, len, room), want, len);
	assert_int_equal(m->vlan_tci, 0x123);
	assert_int_equal(m->hash.rss, 0x5eed);
	assert_int_equal(m->l2_len, 14);
	assert_int_equal(m->packet_type, RTE_PTYPE_L2_ETHER);
	free(want);
	free(room);
}

static void
payload_stays_in_place(void **state)
{
	struct fwd_packet_work work = {0};
	struct rte_mbuf *m = packet((const uint16_t[]){1500, 0});

	(void)state;
	m = fwd_packet_swap(m, &pools, false, &work);
	assert_non_null(m);
	assert_ptr_equal(m->pool, pools.header);
	assert_int_equal(m->nb_segs, 2);
	assert_int_equal(m->data_len, FWD_HEADER_BYTES);
	assert_ptr_equal(rte_pktmbuf_mtod(m->next, uint8_t *), memory + FWD_HEADER_BYTES);
	assert_int_equal(work.header_copies, 1);
	assert_int_equal(work.full_copies, 0);
	assert_swapped(m, 1500);
	rte_pktmbuf_free(m);
}

static void
an_mbuf_that_looks_direct_is_not_trusted(void **state)
{
	bare = true;
	payload_stays_in_place(state);
	bare = false;
}

static void
a_short_packet_becomes_one_segment(void **state)
{
	struct fwd_packet_work work = {0};
	struct rte_mbuf *m;

	(void)state;
	for (uint16_t len = 12; len <= FWD_HEADER_BYTES; len++) {
		freed = 0;
		m = fwd_packet_swap(packet((const uint16_t[]){len, 0}), &pools, false, &work);
		assert_non_null(m);
		assert_int_equal(m->nb_segs, 1);
		assert_int_equal(freed, 1);
		assert_swapped(m, len);
		rte_pktmbuf_free(m);
	}
}

static void
a_short_first_segment_is_replaced(void **state)
{
	struct fwd_packet_work work = {0};
	struct rte_mbuf *m = packet((const uint16_t[]){64, 700, 900, 0});

	(void)state;
	m = fwd_packet_swap(m, &pools, false, &work);
	assert_non_null(m);
	assert_int_equal(m->nb_segs, 3);
	assert_int_equal(m->data_len, 64);
	assert_int_equal(work.header_copies, 1);
	assert_swapped(m, 1664);
	rte_pktmbuf_free(m);
}

static void
addresses_in_two_segments_are_copied(void **state)
{
	struct fwd_packet_work work = {0};
	struct rte_mbuf *m = packet((const uint16_t[]){7, 93, 0});

	(void)state;
	m = fwd_packet_swap(m, &pools, false, &work);
	assert_non_null(m);
	assert_int_equal(work.full_copies, 1);
	assert_swapped(m, 100);
	rte_pktmbuf_free(m);
}

static void
a_linear_port_gets_one_segment(void **state)
{
	struct fwd_packet_work work = {0};
	struct rte_mbuf *m = packet((const uint16_t[]){1500, 7500, 0});

	(void)state;
	m = fwd_packet_swap(m, &pools, true, &work);
	assert_non_null(m);
	assert_int_equal(m->nb_segs, 1);
	assert_int_equal(work.full_copies, 1);
	assert_int_equal(work.header_copies, 0);
	assert_swapped(m, 9000);
	rte_pktmbuf_free(m);
	m = fwd_packet_linearise(packet((const uint16_t[]){1, 2, 3, 0}), &pools, &work);
	assert_non_null(m);
	assert_int_equal(m->nb_segs, 1);
	assert_memory_equal(rte_pktmbuf_mtod(m, uint8_t *), memory, 6);
	rte_pktmbuf_free(m);
}

static void
our_own_buffers_are_written_in_place(void **state)
{
	struct fwd_packet_work work = {0};
	struct rte_mbuf *m, *own = rte_pktmbuf_alloc(pools.rx);

	(void)state;
	assert_non_null(own);
	memcpy(rte_pktmbuf_append(own, 100), memory, 100);
	m = fwd_packet_swap(own, &pools, true, &work);
	assert_ptr_equal(m, own);
	assert_int_equal(work.full_copies + work.header_copies, 0);
	assert_memory_equal(rte_pktmbuf_mtod(m, uint8_t *), memory + 6, 6);
	assert_memory_equal(rte_pktmbuf_mtod(m, uint8_t *) + 6, memory, 6);
	rte_pktmbuf_free(m);
}

static void
a_shared_buffer_is_not_written(void **state)
{
	struct fwd_packet_work work = {0};
	struct rte_mbuf *m, *own = rte_pktmbuf_alloc(pools.rx);

	(void)state;
	assert_non_null(own);
	memcpy(rte_pktmbuf_append(own, 1000), memory, 1000);
	rte_pktmbuf_refcnt_update(own, 1);
	m = fwd_packet_swap(own, &pools, false, &work);
	assert_ptr_not_equal(m, own);
	assert_int_equal(work.full_copies, 1);
	assert_int_equal(own->data_len, 1000);
	assert_memory_equal(rte_pktmbuf_mtod(own, uint8_t *), memory, 1000);
	assert_memory_equal(rte_pktmbuf_mtod(m, uint8_t *) + 6, memory, 6);
	rte_pktmbuf_free(own);
	rte_pktmbuf_free(m);
}

static void
runts_are_left_alone(void **state)
{
	struct fwd_packet_work work = {0};
	struct rte_mbuf *m = packet((const uint16_t[]){11, 0});

	(void)state;
	assert_ptr_equal(fwd_packet_swap(m, &pools, false, &work), m);
	assert_ptr_equal(fwd_packet_swap(m, &pools, true, &work), m);
	assert_int_equal(work.full_copies + work.header_copies, 0);
	rte_pktmbuf_free(m);
}

static void
an_empty_pool_loses_nothing(void **state)
{
	struct fwd_packet_work work = {0};
	struct rte_mbuf *taken[NB_MBUFS];
	struct rte_mbuf *m = packet((const uint16_t[]){300, 300, 0});

	(void)state;
	assert_int_equal(rte_pktmbuf_alloc_bulk(pools.header, taken, NB_MBUFS), 0);
	assert_null(fwd_packet_swap(m, &pools, false, &work));
	rte_pktmbuf_free_bulk(taken, NB_MBUFS);
	assert_int_equal(rte_pktmbuf_alloc_bulk(pools.copy, taken, NB_MBUFS), 0);
	assert_null(fwd_packet_swap(m, &pools, true, &work));
	assert_null(fwd_packet_linearise(m, &pools, &work));
	rte_pktmbuf_free_bulk(taken, NB_MBUFS);
	assert_int_equal(work.full_copies + work.header_copies, 0);
	assert_int_equal(m->nb_segs, 2);
	assert_int_equal(m->pkt_len, 600);
	m = fwd_packet_swap(m, &pools, false, &work);
	assert_non_null(m);
	assert_swapped(m, 600);
	rte_pktmbuf_free(m);
}

static void
what_fits_is_known_beforehand(void **state)
{
	struct rte_mbuf *m = packet((const uint16_t[]){16000, 257, 0});

	(void)state;
	assert_int_equal(pools.copy_room, 16256);
	assert_false(fwd_packet_fits(m, &pools, false));
	rte_pktmbuf_trim(m, 1);
	assert_true(fwd_packet_fits(m, &pools, false));
	rte_pktmbuf_free(m);
	m = packet((const uint16_t[]){20000, 0});
	assert_true(fwd_packet_fits(m, &pools, false));
	assert_false(fwd_packet_fits(m, &pools, true));
	rte_pktmbuf_free(m);
}

/* The sum by its definition. */
static uint64_t
slow_sum(unsigned int len)
{
	uint64_t sum = 0;

	for (unsigned int i = 0; i < len; i++)
		sum += (uint64_t)memory[i] << (8 * (i % 8));
	return sum;
}

static void
the_sum_does_not_depend_on_the_cut(void **state)
{
	struct rte_mbuf *m;

	(void)state;
	srand(1);
	for (unsigned int round = 0; round < 20000; round++) {
		uint16_t lens[6] = {0};
		unsigned int len = 0;

		for (int i = 0; i < 1 + rand() % 5; i++) {
			lens[i] = 1 + rand() % (rand() % 2 ? 9 : 900);
			len += lens[i];
		}
		m = packet(lens);
		assert_int_equal(fwd_sum_packet(m), slow_sum(len));
		rte_pktmbuf_free(m);
	}
}

/* As drivers that finish packets in software do: they copy the headers to the packet's own pool. */
static void
unfinished_packets_have_headers_of_our_own(void **state)
{
	static const uint64_t requests[] = {0, RTE_MBUF_F_TX_IP_CKSUM, RTE_MBUF_F_TX_UDP_CKSUM,
		RTE_MBUF_F_TX_TCP_CKSUM, RTE_MBUF_F_TX_TCP_SEG};

	(void)state;
	for (size_t i = 0; i < RTE_DIM(requests); i++) {
		struct fwd_packet_work work = {0};
		struct rte_mbuf *m = packet((const uint16_t[]){1500, 0}), *copy;

		m->ol_flags |= requests[i];
		m = fwd_packet_own_headers(m, &pools, &work);
		assert_non_null(m);
		assert_int_equal(work.header_copies, requests[i] != 0);
		copy = rte_pktmbuf_copy(m, m->pool, 0, 54);
		assert_int_equal(copy != NULL, requests[i] != 0);
		rte_pktmbuf_free(copy);
		rte_pktmbuf_free(m);
	}
}

int
main(void)
{
	static char *eal[] = {"packet_test", "-l", "0", "--no-huge", "-m", "64", "--no-pci",
		"--no-telemetry", "--no-shconf", "--log-level=*:4", NULL};
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(payload_stays_in_place, all_is_back),
		cmocka_unit_test_teardown(an_mbuf_that_looks_direct_is_not_trusted, all_is_back),
		cmocka_unit_test_teardown(a_short_packet_becomes_one_segment, all_is_back),
		cmocka_unit_test_teardown(a_short_first_segment_is_replaced, all_is_back),
		cmocka_unit_test_teardown(addresses_in_two_segments_are_copied, all_is_back),
		cmocka_unit_test_teardown(a_linear_port_gets_one_segment, all_is_back),
		cmocka_unit_test_teardown(our_own_buffers_are_written_in_place, all_is_back),
		cmocka_unit_test_teardown(a_shared_buffer_is_not_written, all_is_back),
		cmocka_unit_test_teardown(runts_are_left_alone, all_is_back),
		cmocka_unit_test_teardown(an_empty_pool_loses_nothing, all_is_back),
		cmocka_unit_test_teardown(what_fits_is_known_beforehand, all_is_back),
		cmocka_unit_test_teardown(unfinished_packets_have_headers_of_our_own, all_is_back),
		cmocka_unit_test_teardown(the_sum_does_not_depend_on_the_cut, all_is_back),
	};
	int failed;

	if (rte_eal_init(sizeof(eal) / sizeof(eal[0]) - 1, eal) < 0)
		return 1;
	failed = cmocka_run_group_tests(tests, set_up, NULL);
	rte_eal_cleanup();
	return failed == 0 ? 0 : 1;
}
