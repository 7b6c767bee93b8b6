/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A stopped domain (SIGSTOP) keeps no other from joining, linking and leaving; it links when
 * continued.
 */
#include "test.h"

static void
hung(void **state)
{
	struct test_remote r;
	struct test_pair p;
	struct fido_link *link;

	test_spawn(&r);
	assert_int_equal(test_ask_number(&r, "join r"), 0);
	assert_int_equal(test_ask_number(&r, "link a 1 1 64"), 0);
	test_stop(&r);
	test_pair_start(&p, 64);
	assert_int_equal(test_post(fido_link_txq(p.ab, 0), p.mem, 3), 1);
	fido_domain_leave(test_join("c"));
	test_continue(&r);
	link = test_link(p.a, "r", NULL, 1, 1, 64);
	TEST_WAIT(fido_link_is_up(link) && test_ask_number(&r, "up") == 1);
	assert_int_equal(test_post(fido_link_txq(link, 0), p.mem, 5), 1);
	assert_int_not_equal(test_ask_number(&r, "poll 0 5 %d", TEST_BUF), 0);
	test_ask(&r, "complete 0");
	assert_int_equal(test_take(fido_link_txq(link, 0)), 6);
	test_end(&r);
	fido_link_destroy(link);
	test_pair_end(&p);
}

TEST_MAIN_ONE(hung)
