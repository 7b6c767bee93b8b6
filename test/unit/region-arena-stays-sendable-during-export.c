/* SPDX-License-Identifier: BSD-3-Clause */
/* While a peer has yet to map new memory, memory that it mapped before can still be sent to it. */
#include "test.h"

static void
during_export(void **state)
{
	struct fido_domain *a = test_join("a");
	struct fido_region *old = test_arena(a, 1 << 21), *new_one;
	struct fido_link *link;
	struct test_remote b;

	test_spawn(&b);
	assert_int_equal(test_ask_number(&b, "join b"), 0);
	assert_int_equal(test_ask_number(&b, "link a 1 1 64"), 0);
	link = test_link(a, "b", NULL, 1, 1, 64);
	TEST_WAIT(fido_link_is_up(link));
	TEST_WAIT(test_post(fido_link_txq(link, 0), old, 0) == 1);
	test_stop(&b);
	new_one = test_arena(a, 1 << 21);
	for (uint32_t i = 1; i < 20; i++) {
		assert_int_equal(test_post(fido_link_txq(link, 0), old, i), 1);
		assert_int_equal(test_post(fido_link_txq(link, 0), new_one, i), -EFAULT);
	}
	test_continue(&b);
	TEST_WAIT(test_post(fido_link_txq(link, 0), new_one, 20) == 1);
	for (uint32_t i = 0; i <= 20; i++)
		assert_int_not_equal(test_ask_number(&b, "poll 0 %u %d", i, TEST_BUF), 0);
	test_end(&b);
	fido_link_destroy(link);
	fido_domain_leave(a);
	test_rundir_empty();
}

TEST_MAIN_ONE(during_export)
