/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A killed domain is dead even if a child that it forked lives on.
 *
 * Its name and slot are free, its links go down.
 */
#include "test.h"

#include <signal.h>

static void
living_child(void **state)
{
	struct fido_domain *a = test_join("a"), *b;
	struct fido_link *link;
	struct test_remote r;
	long child;

	test_spawn(&r);
	assert_int_equal(test_ask_number(&r, "join b"), 0);
	link = test_link(a, "b", NULL, 1, 1, 64);
	assert_int_equal(test_ask_number(&r, "link a 1 1 64"), 0);
	TEST_WAIT(fido_link_is_up(link) && test_ask_number(&r, "up") == 1);
	child = test_ask_number(&r, "fork");
	assert_true(child > 0);
	assert_int_equal(test_ask_number(&r, "up"), 1); /* the parent is not harmed */
	usleep(20000);
	assert_true(fido_link_is_up(link));
	test_kill(&r);
	assert_int_equal(kill((pid_t)child, 0), 0);
	TEST_WAIT(!fido_link_is_up(link) && fido_domain_peer_count(a) == 0);
	b = test_join("b");
	assert_int_equal(fido_domain_slot(b), 1);
	assert_int_equal(kill((pid_t)child, SIGKILL), 0);
	fido_link_destroy(link);
	fido_domain_leave(b);
	fido_domain_leave(a);
	test_rundir_empty();
}

TEST_MAIN_ONE(living_child)
