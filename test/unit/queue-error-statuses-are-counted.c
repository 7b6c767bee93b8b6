/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Each ticket that returns with a status other than OK is counted, and its cookie still comes back.
 */
#include "test.h"

static void
statuses(void **state)
{
	static const uint16_t status[] = {FIDO_STATUS_OK, FIDO_STATUS_BAD_ADDRESS,
		FIDO_STATUS_BAD_ADDRESS, FIDO_STATUS_OK, FIDO_STATUS_DROPPED, FIDO_STATUS_CLOSED,
		FIDO_STATUS_OK, 0xffff};
	struct test_queue q;

	test_queue_create(&q, 16);
	for (uintptr_t i = 0; i < 8; i++)
		test_queue_post(&q, i + 1);
	for (int i = 0; i < 8; i++)
		fido_receiver_complete(q.r, test_queue_poll(&q), status[i]);
	fido_receiver_flush(q.r);
	for (uintptr_t i = 0; i < 8; i++)
		assert_int_equal(test_queue_reap(&q), i + 1);
	assert_int_equal(q.s->error_count, 5);
	assert_false(q.s->broken);
	test_queue_destroy(&q);
}

TEST_MAIN_ONE(statuses)
