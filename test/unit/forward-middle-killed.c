/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * After the domain in the middle is killed, a buffer returns to its owner only after its last
 * reader.
 */
#include "test.h"

static void
middle_killed(void **state)
{
	struct fido_domain *a = test_join("a");
	struct fido_region *mem = test_arena(a, 1 << 21);
	struct fido_link *link = test_link(a, "b", NULL, 1, 1, 64);
	struct test_remote b, c;
	void *cookie;

	test_spawn(&b);
	test_spawn(&c);
	assert_int_equal(test_ask_number(&b, "join b"), 0);
	assert_int_equal(test_ask_number(&c, "join c"), 0);
	assert_int_equal(test_ask_number(&b, "link a 1 1 64"), 0);
	assert_int_equal(test_ask_number(&b, "link c 1 1 64"), 0);
	assert_int_equal(test_ask_number(&c, "link b 1 1 64"), 0);
	for (uint32_t i = 0; i < 3; i++) {
		TEST_WAIT(test_post(fido_link_txq(link, 0), mem, i) == 1);
		test_ask(&b, "use 0");
		assert_int_not_equal(test_ask_number(&b, "poll 0 %u %d", i, TEST_BUF), 0);
		test_ask(&b, "use 1");
		TEST_WAIT(test_ask_number(&b, "forward %u 0", i) == 1);
		assert_int_equal(test_ask_number(&c, "poll 0 %u %d", i, TEST_BUF),
			test_buf(mem, i));
	}
	test_kill(&b);
	TEST_WAIT(!fido_link_is_up(link));
	test_ask(&c, "complete 1");
	test_ask(&c, "complete 0");
	assert_int_equal(test_take_all(fido_link_txq(link, 0), 2), 2);
	for (int i = 0; i < 50; i++) { /* c still holds one, and only that one is held back */
		usleep(10000);
		assert_int_equal(fido_txq_reap(fido_link_txq(link, 0), &cookie, 1), 0);
		assert_int_equal(fido_txq_out(fido_link_txq(link, 0)), 1);
		assert_int_equal(test_ask_number(&c, "check 2 2 %d", TEST_BUF), 1);
	}
	assert_int_equal(fido_link_stranded(link), 1);
	test_ask(&c, "complete 2");
	assert_int_equal(test_take_all(fido_link_txq(link, 0), 1), 1);
	assert_int_equal(fido_txq_out(fido_link_txq(link, 0)), 0);
	test_end(&c);
	fido_link_destroy(link);
	fido_domain_leave(a);
	test_rundir_empty();
}

TEST_MAIN_ONE(middle_killed)
