/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * While a thread sends from regions that come and go, missing memory is refused or reads as zeros.
 *
 * It never faults.
 */
#include "test.h"

#include <pthread.h>

#define M (UINT64_C(1) << 20)
#define ROUNDS 40

static struct test_pair p;
static bool stop;
static uint64_t sent, refused, bad;

/*
 * An application that withdraws memory in flight is at fault, but its peer gets nothing worse than
 * zeros.
 */
static bool
content_or_zeros(const uint8_t *data)
{
#ifdef TEST_TSAN /* which rightly reports the race */
	(void)data;
	return true;
#else
	uint8_t expect[64];

	test_fill(expect, sizeof(expect), 5);
	for (int i = 0; i < 64; i++)
		if (data[i] != expect[i] && data[i] != 0)
			return false;
	return true;
#endif
}

/* The sender: from memory that is alternately exported and withdrawn; its content never changes. */
static void *
sender(void *arg)
{
	struct fido_txq *q = fido_link_txq(p.ab, 0);
	struct fido_rxq *rxq = fido_link_rxq(p.ba, 0);
	void *cookies[64];

	for (uint64_t i = 0; !fido_load_relaxed(&stop); i++) {
		struct fido_buf b = {(char *)arg + (i * 4096 * 37) % (8 * M), 64, 0, q};
		struct fido_rx rx[8];
		unsigned int n;
		int ret = fido_txq_post(q, &b, 1);

		fido_counter_add(ret == 1 ? &sent : &refused, 1);
		n = fido_rxq_poll(rxq, rx, 8);
		for (unsigned int k = 0; k < n; k++)
			bad += !content_or_zeros(rx[k].desc.data);
		fido_rxq_complete(rxq, rx, n, FIDO_STATUS_OK);
		fido_txq_reap(q, cookies, 64);
	}
	return NULL;
}

static void
under_traffic(void **state)
{
	struct fido_region *r;
	pthread_t thread;
	int fd;
	char *va = test_memory(8 * M, &fd);

	for (uint64_t off = 0; off < 8 * M; off += 4096)
		test_fill(va + off, 64, 5);
	test_pair_start(&p, 64);
	assert_int_equal(pthread_create(&thread, NULL, sender, va), 0);
	for (int round = 0; round < ROUNDS; round++) {
		uint64_t before = fido_load_relaxed(&sent);

		assert_int_equal(fido_region_import(p.a, va, 8 * M, 2 * M, &r), 0);
		assert_int_equal(fido_region_export(r, 0, 4 * M, fd, 0), 0);
		assert_int_equal(fido_region_export(r, 4 * M, 4 * M, fd, 4 * M), 0);
		TEST_WAIT(fido_load_relaxed(&sent) > before + 10);
		if (round % 2)
			assert_int_equal(fido_region_withdraw(r, 2 * M, 4 * M, TEST_LIMIT_MS), 0);
		before = fido_load_relaxed(&refused);
		fido_region_destroy(r);
		TEST_WAIT(fido_load_relaxed(&refused) > before + 10);
	}
	fido_store_relaxed(&stop, true);
	pthread_join(thread, NULL);
	assert_int_equal(bad, 0);
	test_pair_end(&p);
}

TEST_MAIN_ONE(under_traffic)
