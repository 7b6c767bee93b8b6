/* SPDX-License-Identifier: BSD-3-Clause */
/* A queue works across the wrap of its lap number (16 bits) and of its position (32 bits). */
#include "test.h"

/* Keep the ring half full and the first ticket held throughout: laps differ, tickets move. */
static void
run_laps(struct test_queue *q, unsigned int laps)
{
	uintptr_t posted = 0, reaped = 0;
	uint16_t held;

	test_queue_post(q, 1000000);
	held = test_queue_poll(q);
	for (uint32_t i = 0; i < laps * q->n; i++) {
		test_queue_post(q, ++posted);
		assert_int_equal(fido_receiver_pending(q->r), 1);
		test_queue_complete(q, test_queue_poll(q));
		assert_int_equal(fido_receiver_pending(q->r), 0);
		assert_int_equal(fido_receiver_next(q->r, &(struct fido_desc){0}), 0);
		assert_int_equal(fido_sender_pending(q->s), 1);
		assert_int_equal(test_queue_reap(q), ++reaped);
		assert_int_equal(fido_sender_pending(q->s), 0);
		assert_int_equal(test_queue_reap(q), 0);
	}
	test_queue_complete(q, held);
	assert_int_equal(test_queue_reap(q), 1000000);
	assert_int_equal(fido_sender_out(q->s), 0);
	assert_false(q->s->broken || q->r->broken);
}

/* From lap number 65535 over 0 to 1. */
static void
lap_number(void **state)
{
	for (uint32_t n = FIDO_RING_MIN; n <= FIDO_RING_MAX; n *= 8) {
		struct test_queue q;

		test_queue_create(&q, n);
		test_queue_set_lap(&q, 65534);
		run_laps(&q, 4);
		test_queue_destroy(&q);
	}
}

static void
position(void **state)
{
	for (uint32_t n = FIDO_RING_MIN; n <= FIDO_RING_MAX; n *= 8) {
		struct test_queue q;

		test_queue_create(&q, n);
		test_queue_set_lap(&q, (uint32_t)((UINT64_C(1) << 32) / n - 2));
		run_laps(&q, 4);
		assert_true(q.s->prod < 3 * n); /* it did wrap */
		test_queue_destroy(&q);
	}
}

/* All laps, on the smallest ring: lap numbers wrap more than once. */
static void
all_laps(void **state)
{
	struct test_queue q;

	test_queue_create(&q, FIDO_RING_MIN);
#if defined(TEST_ASAN) || defined(TEST_TSAN)
	run_laps(&q, 66000);
#else
	run_laps(&q, 2 * 65536 + 100);
#endif
	test_queue_destroy(&q);
}

TEST_MAIN(cmocka_unit_test(lap_number), cmocka_unit_test(position), cmocka_unit_test(all_laps))
