/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A buffer forwarded to a newcomer returns only after the newcomer has let go.
 *
 * A domain earlier on the path does not know the newcomer yet when the one in the middle dies.
 */
#include "test.h"

/*
 * a (here) --> c --> b --> d. c is stopped while d joins, and learns of d and of b's death at once.
 */
static void
newcomer(void **state)
{
	struct fido_domain *a = test_join("a");
	struct fido_region *mem = test_arena(a, 1 << 21);
	struct fido_link *link = test_link(a, "c", NULL, 1, 1, 64);
	struct test_remote b, c, d;
	void *cookie;
	bool forwarded = false;

	test_spawn(&b);
	test_spawn(&c);
	test_spawn(&d);
	assert_int_equal(test_ask_number(&b, "join b"), 0);
	assert_int_equal(test_ask_number(&c, "join c"), 0);
	assert_int_equal(test_ask_number(&c, "link a 1 1 64"), 0);
	assert_int_equal(test_ask_number(&c, "link b 1 1 64"), 0);
	assert_int_equal(test_ask_number(&b, "link c 1 1 64"), 0);
	assert_int_equal(test_ask_number(&b, "link d 1 1 64"), 0);
	TEST_WAIT(test_post(fido_link_txq(link, 0), mem, 0) == 1);
	test_ask(&c, "use 0");
	assert_int_not_equal(test_ask_number(&c, "poll 0 0 %d", TEST_BUF), 0);
	test_ask(&c, "use 1");
	TEST_WAIT(test_ask_number(&c, "forward 0 0") == 1);
	test_ask(&b, "use 0");
	assert_int_not_equal(test_ask_number(&b, "poll 0 0 %d", TEST_BUF), 0);
	test_stop(&c);
	assert_int_equal(test_ask_number(&d, "join d"), 0);
	assert_int_equal(test_ask_number(&d, "link b 1 1 64"), 0);
	test_ask(&b, "use 1");
	TEST_WAIT(test_ask_number(&b, "up") == 1);
	/* b may refuse for as long as c does not know d. */
	for (int i = 0; i < 100 && !forwarded; i++) {
		forwarded = test_ask_number(&b, "forward 0 0") == 1;
		usleep(1000);
	}
	if (forwarded)
		assert_int_not_equal(test_ask_number(&d, "poll 0 0 %d", TEST_BUF), 0);
	test_kill(&b);
	usleep(50000);
	test_continue(&c);
	for (int i = 0; i < 50 && forwarded; i++) {
		usleep(10000);
		assert_int_equal(test_ask_number(&c, "take 0"), 0);
	}
	if (forwarded)
		test_ask(&d, "complete 0");
	TEST_WAIT(test_ask_number(&c, "take 0") == 1);
	test_ask(&c, "complete 0");
	TEST_WAIT(fido_txq_reap(fido_link_txq(link, 0), &cookie, 1) == 1);
	test_end(&c);
	test_end(&d);
	fido_link_destroy(link);
	fido_domain_leave(a);
	test_rundir_empty();
}

TEST_MAIN_ONE(newcomer)
