/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A domain with a slow control thread and delayed notices links, passes traffic and learns of
 * deaths.
 */
#include "test.h"

#include "transport_fault.h"

#define LIVES 4

static void
exchange(struct fido_link *link, struct fido_region *mem, struct test_remote *b)
{
	TEST_WAIT(fido_link_is_up(link));
	for (uint32_t i = 0; i < 20; i++) {
		TEST_WAIT(test_post(fido_link_txq(link, 0), mem, i) == 1);
		assert_int_not_equal(test_ask_number(b, "poll 0 %u %d", i, TEST_BUF), 0);
		if (i % 3 != 0) {
			test_ask(b, "complete %u", i);
			assert_int_equal(test_take(fido_link_txq(link, 0)), i + 1);
		}
	}
}

static void
late(void **state)
{
	struct fido_domain_config config = test_config("a");
	struct fido_domain *a = NULL;
	struct fido_region *mem;
	struct fido_link *link;

	config.group = "fault:" TEST_GROUP;
	fault_plan(&(struct fault_plan){.slow = 60, .slow_us = 3000, .hold_back = 70});
	assert_int_equal(fido_domain_join(&a, &config), 0);
	mem = test_arena(a, 1 << 21);
	link = test_link(a, "b", NULL, 1, 1, 64);
	for (int life = 0; life < LIVES; life++) {
		struct test_remote b;

		test_spawn(&b);
		assert_int_equal(test_ask_number(&b, "join b"), 0);
		assert_int_equal(test_ask_number(&b, "link a 1 1 64"), 0);
		exchange(link, mem, &b);
		/* It holds every third: they come back late, after its death is known. */
		test_kill(&b);
		assert_int_equal(test_take_all(fido_link_txq(link, 0), 7), 7);
		assert_int_equal(fido_txq_out(fido_link_txq(link, 0)), 0);
	}
	fido_link_destroy(link);
	fido_domain_leave(a);
	test_rundir_empty();
}

TEST_MAIN_ONE(late)
