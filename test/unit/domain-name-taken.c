/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A living domain's name is refused to others, in its own process or not; the first is not harmed.
 */
#include "test.h"

static void
taken(void **state)
{
	struct fido_domain_config config = test_config("a");
	struct fido_domain *a = test_join("a"), *b, *second = NULL;
	struct test_remote r;

	assert_int_equal(fido_domain_join(&second, &config), -EEXIST);
	assert_null(second);
	test_message_has("group " TEST_GROUP, "a already", "domain=NAME", NULL);
	test_spawn(&r);
	assert_int_equal(test_ask_number(&r, "join a"), -EEXIST);
	assert_int_equal(test_ask_number(&r, "join c"), 0);
	assert_int_equal(fido_domain_join(&second, &config), -EEXIST);
	b = test_join("b");
	TEST_WAIT(fido_domain_peer_count(a) == 2);
	TEST_WAIT(fido_domain_peer_count(b) == 2);
	fido_domain_leave(a);
	a = test_join("a"); /* free again */
	fido_domain_leave(b);
	fido_domain_leave(a);
	test_end(&r);
	test_rundir_empty();
}

TEST_MAIN_ONE(taken)
