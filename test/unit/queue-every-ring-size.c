/* SPDX-License-Identifier: BSD-3-Clause */
/* Post, poll, complete and reap work at every ring size from 16 to 32768, over several laps. */
#include "test.h"

/* Bursts of a size that does not divide the ring's, so that they cross its end at every offset. */
static void
three_laps(uint32_t n)
{
	const uint32_t burst = n / 2 + 1, total = 3 * n + 7;
	void **cookies = calloc(burst, sizeof(*cookies));
	uint32_t posted = 0, reaped = 0;
	struct test_queue q;

	test_queue_create(&q, n);
	while (reaped < total) {
		uint32_t got, want = total - posted < burst ? total - posted : burst;

		for (uint32_t i = 0; i < want; i++, posted++)
			fido_sender_put(q.s, TEST_QUEUE_BASE + posted, posted % 100, posted & 1,
				(void *)(uintptr_t)(posted + 1));
		fido_sender_publish(q.s);
		for (uint32_t i = 0; i < want; i++) {
			struct fido_desc d = {0};

			assert_int_equal(fido_receiver_next(q.r, &d), 1);
			assert_int_equal(d.gaddr, TEST_QUEUE_BASE + posted - want + i);
			assert_int_equal(d.len, (posted - want + i) % 100);
			assert_int_equal(d.flags, (posted - want + i) & 1);
			fido_receiver_complete(q.r, d.ticket, FIDO_STATUS_OK);
		}
		assert_int_equal(fido_receiver_next(q.r, &(struct fido_desc){0}), 0);
		fido_receiver_flush(q.r);
		got = fido_sender_reap(q.s, cookies, burst);
		assert_int_equal(got, want);
		for (uint32_t i = 0; i < got; i++)
			assert_ptr_equal(cookies[i], (void *)(uintptr_t)(++reaped));
	}
	assert_int_equal(fido_sender_out(q.s), 0);
	assert_int_equal(q.r->held_count, 0);
	test_queue_destroy(&q);
	free(cookies);
}

static void
every_size(void **state)
{
	for (uint32_t n = FIDO_RING_MIN; n <= FIDO_RING_MAX; n *= 2)
		three_laps(n);
}

TEST_MAIN_ONE(every_size)
