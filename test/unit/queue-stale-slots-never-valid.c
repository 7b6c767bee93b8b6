/* SPDX-License-Identifier: BSD-3-Clause */
/* A slot not written in the present lap is never taken for a descriptor or completion. */
#include "test.h"

static void
nothing_there(struct test_queue *q)
{
	struct fido_desc d = {0};

	assert_false(fido_receiver_pending(q->r));
	assert_int_equal(fido_receiver_next(q->r, &d), 0);
	assert_false(fido_sender_pending(q->s));
	assert_int_equal(test_queue_reap(q), 0);
	assert_false(q->s->broken || q->r->broken);
}

/* Between any two steps nothing is found, in the first laps and where the lap number wraps. */
static void
stale(void **state)
{
	static const uint32_t start[] = {0, 1, 65533, 65534, 65535, 65536, (1u << 28) - 2};

	for (size_t k = 0; k < sizeof(start) / sizeof(start[0]); k++) {
		struct test_queue q;

		test_queue_create(&q, 16);
		if (start[k] != 0)
			test_queue_set_lap(&q, start[k]);
		for (int i = 0; i < 5 * 16; i++) {
			uint16_t ticket;

			nothing_there(&q);
			fido_sender_put(q.s, TEST_QUEUE_BASE, 1, 0, &q);
			nothing_there(&q); /* put, but not published */
			fido_sender_publish(q.s);
			ticket = test_queue_poll(&q);
			nothing_there(&q);
			fido_receiver_complete(q.r, ticket, FIDO_STATUS_OK);
			nothing_there(&q); /* completed, but not flushed */
			fido_receiver_flush(q.r);
			assert_int_not_equal(test_queue_reap(&q), 0);
		}
		test_queue_destroy(&q);
	}
}

/* The whole ring is out and read: all slots hold the present lap, none the next. */
static void
full(void **state)
{
	struct test_queue q;

	test_queue_create(&q, 16);
	for (int lap = 0; lap < 3; lap++) {
		uint16_t tickets[16];

		for (int i = 0; i < 16; i++)
			test_queue_post(&q, 1);
		for (int i = 0; i < 16; i++)
			tickets[i] = test_queue_poll(&q);
		nothing_there(&q);
		for (int i = 0; i < 16; i++)
			test_queue_complete(&q, tickets[15 - i]);
		for (int i = 0; i < 16; i++)
			assert_int_equal(test_queue_reap(&q), 1);
		nothing_there(&q);
	}
	test_queue_destroy(&q);
}

TEST_MAIN(cmocka_unit_test(stale), cmocka_unit_test(full))
