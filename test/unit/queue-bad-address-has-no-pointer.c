/* SPDX-License-Identifier: BSD-3-Clause */
/* A descriptor of unmapped memory is delivered without a pointer; no other is affected. */
#include "test.h"

static void
bad_address(void **state)
{
	static const struct {
		uint64_t gaddr;
		uint32_t len;
		bool ok;
	} cases[] = {
		{TEST_QUEUE_BASE, 64, true},
		{0, 64, false},
		{TEST_QUEUE_BASE - 1, 64, false},
		{TEST_QUEUE_BASE + TEST_QUEUE_MAPPED - 64, 64, true},
		{TEST_QUEUE_BASE + TEST_QUEUE_MAPPED - 64, 65, false},
		{TEST_QUEUE_BASE + TEST_QUEUE_MAPPED, 0, false},
		{FIDO_GADDR_MASK, UINT32_MAX, false},
		{TEST_QUEUE_BASE, UINT32_MAX, false},
		{TEST_QUEUE_BASE + 1, 0, true},
	};
	struct test_queue q;

	test_queue_create(&q, 16);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		fido_sender_put(q.s, cases[i].gaddr, cases[i].len, 0, (void *)(i + 1));
	fido_sender_publish(q.s);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct fido_desc d = {0};

		assert_int_equal(fido_receiver_next(q.r, &d), 1);
		assert_ptr_equal(d.data, cases[i].ok ? (void *)cases[i].gaddr : NULL);
		assert_int_equal(d.gaddr, cases[i].gaddr);
		assert_int_equal(d.len, cases[i].len);
		fido_receiver_complete(q.r, d.ticket, d.data != NULL ? 0 : FIDO_STATUS_BAD_ADDRESS);
	}
	fido_receiver_flush(q.r);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(test_queue_reap(&q), i + 1);
	assert_int_equal(q.s->error_count, 6);
	assert_false(q.r->broken);
	test_queue_destroy(&q);
}

TEST_MAIN_ONE(bad_address)
