/* SPDX-License-Identifier: BSD-3-Clause */
/* A burst becomes visible as a whole at its publication, and no part of it before. */
#include "test.h"

static void
publish(void **state)
{
	struct test_queue q;
	struct fido_desc d = {0};
	uintptr_t cookie = 0;

	test_queue_create(&q, 64);
	fido_sender_publish(q.s); /* nothing to publish */
	assert_int_equal(fido_receiver_next(q.r, &d), 0);
	for (unsigned int burst = 1; burst <= 64; burst++) {
		for (unsigned int i = 0; i < burst; i++) {
			fido_sender_put(q.s, TEST_QUEUE_BASE + i, i, 0, (void *)++cookie);
			assert_false(fido_receiver_pending(q.r));
			assert_int_equal(fido_receiver_next(q.r, &d), 0);
		}
		fido_sender_publish(q.s);
		for (unsigned int i = 0; i < burst; i++) {
			assert_true(fido_receiver_pending(q.r));
			assert_int_equal(fido_receiver_next(q.r, &d), 1);
			assert_int_equal(d.len, i);
			fido_receiver_complete(q.r, d.ticket, FIDO_STATUS_OK);
		}
		assert_int_equal(fido_receiver_next(q.r, &d), 0);
		fido_receiver_flush(q.r);
		for (unsigned int i = 0; i < burst; i++)
			assert_int_equal(test_queue_reap(&q), cookie - burst + 1 + i);
	}
	test_queue_destroy(&q);
}

TEST_MAIN_ONE(publish)
