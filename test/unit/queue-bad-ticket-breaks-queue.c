/* SPDX-License-Identifier: BSD-3-Clause */
/* A descriptor whose ticket is out of range or held breaks only its queue: -EPROTO from then on. */
#include "test.h"

#define W1(ticket, lap) (UINT64_C(1) << 32 | (uint64_t)(ticket) << 16 | (lap))

static void
write_desc(struct test_queue *q, unsigned int slot, uint32_t ticket, uint16_t lap)
{
	q->sender_shm->desc[slot].w0 = TEST_QUEUE_BASE;
	q->sender_shm->desc[slot].w1 = W1(ticket, lap);
}

static void
is_broken(struct test_queue *q, uint32_t held)
{
	struct fido_desc d = {0};

	assert_true(q->r->broken);
	assert_int_equal(fido_receiver_next(q->r, &d), -EPROTO);
	assert_false(fido_receiver_pending(q->r));
	assert_int_equal(q->r->held_count, held);
}

static void
out_of_range(void **state)
{
	static const uint32_t bad[] = {16, 17, 255, 0x8000, 0xffff};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct test_queue q;
		struct fido_desc d = {0};

		test_queue_create(&q, 16);
		write_desc(&q, 0, 15, 1);
		write_desc(&q, 1, bad[i], 1);
		assert_int_equal(fido_receiver_next(q.r, &d), 1);
		assert_int_equal(fido_receiver_next(q.r, &d), -EPROTO);
		is_broken(&q, 1);
		test_queue_complete(&q, 15); /* held tickets can still be completed */
		is_broken(&q, 0);
		test_queue_destroy(&q);
	}
}

static void
held_twice(void **state)
{
	struct test_queue q;
	struct fido_desc d = {0};

	test_queue_create(&q, 16);
	write_desc(&q, 0, 7, 1);
	write_desc(&q, 1, 7, 1);
	assert_int_equal(fido_receiver_next(q.r, &d), 1);
	assert_int_equal(fido_receiver_next(q.r, &d), -EPROTO);
	is_broken(&q, 1);
	test_queue_destroy(&q);
}

/* The same ticket is valid again once completed. */
static void
again_after_completion(void **state)
{
	struct test_queue q;

	test_queue_create(&q, 16);
	for (unsigned int i = 0; i < 16; i++) {
		write_desc(&q, i, 7, 1);
		assert_int_equal(test_queue_poll(&q), 7);
		test_queue_complete(&q, 7);
	}
	assert_false(q.r->broken);
	test_queue_destroy(&q);
}

/* Unknown flag bits are passed on and do no harm, including the one that marks a held ticket. */
static void
all_flags(void **state)
{
	struct test_queue q;
	struct fido_desc d = {0};

	test_queue_create(&q, 16);
	q.sender_shm->desc[0].w0 = UINT64_MAX;
	q.sender_shm->desc[0].w1 = W1(3, 1);
	assert_int_equal(fido_receiver_next(q.r, &d), 1);
	assert_null(d.data);
	assert_int_equal(d.flags, 0xffff);
	test_queue_complete(&q, 3);
	assert_int_equal(q.r->held_count, 0);
	test_queue_destroy(&q);
}

TEST_MAIN(cmocka_unit_test(out_of_range), cmocka_unit_test(held_twice),
	cmocka_unit_test(again_after_completion), cmocka_unit_test(all_flags))
