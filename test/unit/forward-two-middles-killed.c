/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * When two middle domains are killed, in either order, the owner still waits for the last reader.
 */
#include "test.h"

#include "link_private.h"

static void
two_killed(int first, int second)
{
	static const char *const names[] = {"b", "c", "d"};
	struct fido_domain *a = test_join("a");
	struct fido_region *mem = test_arena(a, 1 << 21);
	struct fido_link *link = test_link(a, "b", NULL, 1, 1, 64);
	struct test_remote r[3];
	void *cookie;

	for (int i = 0; i < 3; i++) {
		test_spawn(&r[i]);
		assert_int_equal(test_ask_number(&r[i], "join %s", names[i]), 0);
	}
	for (int i = 0; i < 3; i++) {
		assert_int_equal(test_ask_number(&r[i], "link %s 1 1 64",
					 i == 0 ? "a" : names[i - 1]),
			0);
		if (i < 2)
			assert_int_equal(test_ask_number(&r[i], "link %s 1 1 64", names[i + 1]), 0);
	}
	TEST_WAIT(test_post(fido_link_txq(link, 0), mem, 7) == 1);
	for (int i = 0; i < 3; i++) {
		test_ask(&r[i], "use 0");
		assert_int_equal(test_ask_number(&r[i], "poll 0 7 %d", TEST_BUF), test_buf(mem, 7));
		test_ask(&r[i], "use 1");
		if (i < 2)
			TEST_WAIT(test_ask_number(&r[i], "forward 0 0") == 1);
	}
	test_kill(&r[first]);
	usleep(20000);
	test_kill(&r[second]);
	TEST_WAIT(!fido_link_is_up(link));
	for (int i = 0; i < 50; i++) {
		usleep(10000);
		assert_int_equal(fido_txq_reap(fido_link_txq(link, 0), &cookie, 1), 0);
		assert_int_equal(test_ask_number(&r[2], "check 0 7 %d", TEST_BUF), 1);
	}
	assert_int_equal(fido_load_relaxed(&link->shm->stranded), 1);
	test_ask(&r[2], "complete 0");
	assert_int_equal(test_take(fido_link_txq(link, 0)), 8);
	TEST_WAIT(fido_load_relaxed(&link->shm->stranded) == 0);
	test_end(&r[2]);
	fido_link_destroy(link);
	fido_domain_leave(a);
	test_rundir_empty();
}

static void
near_one_first(void **state)
{
	two_killed(0, 1);
}

static void
far_one_first(void **state)
{
	two_killed(1, 0);
}

TEST_MAIN(cmocka_unit_test(near_one_first), cmocka_unit_test(far_one_first))
