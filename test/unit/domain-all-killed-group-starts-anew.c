/* SPDX-License-Identifier: BSD-3-Clause */
/* After all domains of a group were killed the next one starts a new group, with any layout. */
#include "test.h"

static void
starts_anew(void **state)
{
	struct fido_domain_config config = test_config("c");
	struct test_remote a, b;
	struct fido_domain *c = NULL;

	test_spawn(&a);
	test_spawn(&b);
	assert_int_equal(test_ask_number(&a, "join a"), 0);
	assert_int_equal(test_ask_number(&b, "join b"), 0);
	test_kill(&a);
	config.layout.slots = 8;
	assert_int_equal(fido_domain_join(&c, &config), -EINVAL); /* b lives */
	test_kill(&b);
	assert_int_equal(fido_domain_join(&c, &config), 0);
	assert_int_equal(fido_domain_layout(c)->slots, 8);
	assert_int_equal(fido_domain_slot(c), 0);
	fido_domain_leave(c);
	test_rundir_empty();
}

TEST_MAIN_ONE(starts_anew)
