/* SPDX-License-Identifier: BSD-3-Clause */
/* At most N tickets are out: a full ring has room for one more per reaped cookie. */
#include "test.h"

static void
full(void **state)
{
	struct test_queue q;
	uint16_t tickets[64];

	test_queue_create(&q, 64);
	assert_int_equal(fido_sender_room(q.s), 64);
	for (uint32_t i = 0; i < 64; i++) {
		test_queue_post(&q, i + 1);
		assert_int_equal(fido_sender_out(q.s), i + 1);
		assert_int_equal(fido_sender_room(q.s), 63 - i);
	}
	/* Neither reading nor completing makes room: only the sender's own reaping does. */
	for (int i = 0; i < 64; i++)
		tickets[i] = test_queue_poll(&q);
	assert_int_equal(fido_sender_room(q.s), 0);
	for (int i = 0; i < 3; i++)
		test_queue_complete(&q, tickets[40 + 2 * i]);
	assert_int_equal(fido_sender_room(q.s), 0);
	for (uint32_t i = 0; i < 3; i++) {
		assert_int_equal(test_queue_reap(&q), 41 + 2 * i);
		assert_int_equal(fido_sender_room(q.s), i + 1);
	}
	for (int i = 0; i < 3; i++)
		test_queue_post(&q, 100);
	assert_int_equal(fido_sender_room(q.s), 0);
	assert_int_equal(fido_sender_out(q.s), 64);
	test_queue_destroy(&q);
}

/* Every ticket is unique among those that are out, whatever order they came back in. */
static void
tickets_unique(void **state)
{
	struct test_queue q;
	uint64_t out = 0, seed = 3;

	test_queue_create(&q, 64);
	for (int i = 0; i < 10000; i++) {
		if (test_random(&seed) % 2 && out != UINT64_MAX) {
			uint16_t t;

			test_queue_post(&q, 1);
			t = test_queue_poll(&q);
			assert_false(out >> t & 1);
			out |= UINT64_C(1) << t;
		} else if (out != 0) {
			uint16_t t = (uint16_t)(test_random(&seed) % 64);

			while (!(out >> t & 1))
				t = (t + 1) % 64;
			test_queue_complete(&q, t);
			assert_int_equal(test_queue_reap(&q), 1);
			out &= ~(UINT64_C(1) << t);
		}
		assert_int_equal(fido_sender_out(q.s), __builtin_popcountll(out));
	}
	test_queue_destroy(&q);
}

TEST_MAIN(cmocka_unit_test(full), cmocka_unit_test(tickets_unique))
