/* SPDX-License-Identifier: BSD-3-Clause */
/* An invalid completion (no such ticket, not out, twice, wrong count) breaks only its queue. */
#include "test.h"

#define WORD(ticket, count) ((uint64_t)(count) << 32 | (uint64_t)(ticket) << 16 | 1)

/*
 * On a ring of 16 with tickets 0 to 4 out, the receiver writes `word` to the first completion slot.
 */
static void
first_word(uint64_t word, unsigned int good)
{
	struct test_queue q;
	void *cookies[16];

	test_queue_create(&q, 16);
	for (uintptr_t i = 0; i < 5; i++)
		test_queue_post(&q, i + 1);
	q.receiver_shm->comp[0] = word;
	q.receiver_shm->comp[1] =
		WORD(3, 1); /* a good completion behind it is no longer accepted */
	assert_int_equal(fido_sender_reap(q.s, cookies, 16), good);
	assert_true(q.s->broken);
	assert_int_equal(fido_sender_out(q.s), 5 - good);
	assert_int_equal(fido_sender_reap(q.s, cookies, 16), 0);
	assert_false(fido_sender_pending(q.s));
	assert_int_equal(fido_sender_room(q.s), 11 + good);
	test_queue_destroy(&q);
}

static void
ticket_out_of_range(void **state)
{
	first_word(WORD(16, 1), 0);
	first_word(WORD(17, 1), 0);
	first_word(WORD(0x8000, 1), 0);
	first_word(WORD(0xffff, 1), 0);
}

static void
ticket_not_out(void **state)
{
	first_word(WORD(5, 1), 0);
	first_word(WORD(15, 1), 0);
	first_word(WORD(4, 2), 1);  /* the first of the run is out, the second is not */
	first_word(WORD(15, 2), 0); /* wraps from one that is not out to one that is */
}

static void
wrong_count(void **state)
{
	first_word(WORD(0, 0), 0);
	first_word(WORD(0, 17), 0);
	first_word(WORD(0, 0xffff), 0);
	first_word(WORD(0, 16), 5); /* possible in itself, but only five are out */
}

static void
twice(void **state)
{
	struct test_queue q;
	void *cookies[16];

	test_queue_create(&q, 16);
	for (uintptr_t i = 0; i < 5; i++)
		test_queue_post(&q, i + 1);
	q.receiver_shm->comp[0] = WORD(2, 1);
	q.receiver_shm->comp[1] = WORD(2, 1);
	assert_int_equal(fido_sender_reap(q.s, cookies, 16), 1);
	assert_ptr_equal(cookies[0], (void *)3);
	assert_true(q.s->broken);
	assert_int_equal(fido_sender_out(q.s), 4);
	test_queue_destroy(&q);
}

TEST_MAIN(cmocka_unit_test(ticket_out_of_range), cmocka_unit_test(ticket_not_out),
	cmocka_unit_test(wrong_count), cmocka_unit_test(twice))
