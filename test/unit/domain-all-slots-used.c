/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * With all slots in use, joining fails with -ENOSPC and a message; it works once a domain has left.
 */
#include "test.h"

static void
slots_used(void **state)
{
	struct fido_domain_config config = test_config("c");
	struct fido_domain *a = NULL, *c = NULL;
	struct test_remote b;

	config.layout.slots = 2;
	config.name = "a";
	assert_int_equal(fido_domain_join(&a, &config), 0);
	test_spawn(&b);
	assert_int_equal(test_ask_number(&b, "join b 2"), 0);
	config.name = "c";
	assert_int_equal(fido_domain_join(&c, &config), -ENOSPC);
	assert_null(c);
	test_message_has("group " TEST_GROUP, "all 2 slots", "more slots", NULL);
	test_end(&b);
	TEST_WAIT(fido_domain_join(&c, &config) == 0); /* as soon as a has unmapped b */
	assert_int_equal(fido_domain_slot(c), 1);
	TEST_WAIT(fido_domain_peer_count(a) == 1);
	fido_domain_leave(c);
	fido_domain_leave(a);
	test_rundir_empty();
}

TEST_MAIN_ONE(slots_used)
