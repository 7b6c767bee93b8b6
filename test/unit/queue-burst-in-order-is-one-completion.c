/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A burst completed in order is one completion word; a gap, step back or new status starts another.
 */
#include "test.h"

/*
 * Post and poll `count`, complete them in the given order, flush. @return completion words written
 */
static uint32_t
words(struct test_queue *q, const uint16_t *order, const uint16_t *status, unsigned int count)
{
	uint16_t tickets[64];
	uint32_t before = q->r->prod;

	for (unsigned int i = 0; i < count; i++)
		test_queue_post(q, i + 1);
	for (unsigned int i = 0; i < count; i++)
		tickets[i] = test_queue_poll(q);
	for (unsigned int i = 0; i < count; i++)
		fido_receiver_complete(q->r, tickets[order[i]], status != NULL ? status[i] : 0);
	fido_receiver_flush(q->r);
	for (unsigned int i = 0; i < count; i++)
		assert_int_equal(test_queue_reap(q), order[i] + 1u);
	assert_int_equal(test_queue_reap(q), 0);
	return q->r->prod - before;
}

static void
runs(void **state)
{
	static const uint16_t in_order[] = {0, 1, 2, 3, 4, 5, 6, 7};
	static const uint16_t backwards[] = {7, 6, 5, 4, 3, 2, 1, 0};
	static const uint16_t halves[] = {4, 5, 6, 7, 0, 1, 2, 3};
	static const uint16_t gap[] = {0, 1, 3, 4, 5, 6, 7, 2};
	static const uint16_t status[] = {0, 0, 0, 2, 2, 0, 0, 0};

	/* Eleven bursts of eight on a ring of 64: the tickets of one burst wrap. */
	for (int start = 0; start < 11; start++) {
		struct test_queue q;

		test_queue_create(&q, 64);
		for (int i = 0; i < start; i++)
			assert_int_equal(words(&q, in_order, NULL, 8), 1);
		for (int i = 0; i < 5; i++)
			assert_int_equal(words(&q, in_order, NULL, 1), 1);
		assert_int_equal(words(&q, in_order, NULL, 8), 1);
		assert_int_equal(words(&q, in_order, status, 8), 3);
		assert_int_equal(words(&q, halves, NULL, 8), 2);
		test_queue_destroy(&q);
	}
	for (int k = 0; k < 2; k++) {
		struct test_queue q;

		test_queue_create(&q, 16);
		assert_int_equal(words(&q, k == 0 ? backwards : gap, NULL, 8), k == 0 ? 8 : 3);
		test_queue_destroy(&q);
	}
}

/* The largest run possible: the whole ring. */
static void
whole_ring(void **state)
{
	for (uint32_t n = FIDO_RING_MIN; n <= FIDO_RING_MAX; n *= 2) {
		struct test_queue q;

		test_queue_create(&q, n);
		for (uint32_t i = 0; i < n; i++)
			test_queue_post(&q, i + 1);
		for (uint32_t i = 0; i < n; i++)
			fido_receiver_complete(q.r, test_queue_poll(&q), FIDO_STATUS_OK);
		fido_receiver_flush(q.r);
		assert_int_equal(q.r->prod, 1);
		for (uint32_t i = 0; i < n; i++)
			assert_int_equal(test_queue_reap(&q), i + 1);
		test_queue_destroy(&q);
	}
}

TEST_MAIN(cmocka_unit_test(runs), cmocka_unit_test(whole_ring))
