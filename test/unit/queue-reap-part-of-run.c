/* SPDX-License-Identifier: BSD-3-Clause */
/* Reaping fewer cookies than a completion returns loses none: the next call returns the rest. */
#include "test.h"

static void
parts(void **state)
{
	for (unsigned int part = 1; part <= 20; part++) {
		struct test_queue q;
		uintptr_t expect = 0;

		test_queue_create(&q, 32);
		for (uintptr_t i = 0; i < 20; i++)
			test_queue_post(&q, i + 1);
		for (int i = 0; i < 20; i++)
			fido_receiver_complete(q.r, test_queue_poll(&q),
				i < 15 ? 0 : FIDO_STATUS_DROPPED);
		fido_receiver_flush(q.r); /* two words: 15 and 5 */
		while (expect < 20) {
			void *cookies[20];
			unsigned int n, left = 20 - (unsigned int)expect;

			assert_true(fido_sender_pending(q.s));
			assert_int_equal(fido_sender_reap(q.s, cookies, 0), 0);
			n = fido_sender_reap(q.s, cookies, part);
			assert_int_equal(n, part < left ? part : left);
			for (unsigned int i = 0; i < n; i++)
				assert_ptr_equal(cookies[i], (void *)++expect);
			assert_int_equal(fido_sender_out(q.s), 20 - expect);
			assert_int_equal(q.s->error_count, expect > 15 ? expect - 15 : 0);
		}
		assert_false(fido_sender_pending(q.s));
		assert_int_equal(test_queue_reap(&q), 0);
		test_queue_destroy(&q);
	}
}

TEST_MAIN_ONE(parts)
