/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A dead domain's slot is reused only when no domain maps it: not while one of its buffers is held.
 */
#include "test.h"

static void
dead_slot(void **state)
{
	struct fido_domain_config config = test_config("a");
	struct fido_domain *a = NULL, *c = NULL;
	struct fido_link *link;
	struct test_remote b;
	struct fido_rx rx;

	config.layout.slots = 2;
	assert_int_equal(fido_domain_join(&a, &config), 0);
	test_spawn(&b);
	assert_int_equal(test_ask_number(&b, "join b 2"), 0);
	assert_true(test_ask_number(&b, "arena 4194304") > 0);
	assert_int_equal(test_ask_number(&b, "link a 1 1 64"), 0);
	link = test_link(a, "b", NULL, 1, 1, 64);
	TEST_WAIT(test_ask_number(&b, "post 0 7") == 1);
	rx = test_poll(fido_link_rxq(link, 0));
	test_kill(&b);
	TEST_WAIT(!fido_link_is_up(link));
	config.name = "c";
	for (int i = 0; i < 20;
		i++) { /* longer than a dead peer stays mapped when none of its buffers is held */
		usleep(20000);
		assert_int_equal(fido_domain_join(&c, &config), -ENOSPC);
		assert_true(test_filled(rx.desc.data, TEST_BUF, 7));
	}
	test_complete(fido_link_rxq(link, 0), &rx, FIDO_STATUS_OK);
	TEST_WAIT(fido_domain_join(&c, &config) == 0);
	assert_int_equal(fido_domain_slot(c), 1);
	TEST_WAIT(fido_domain_peer_count(a) == 1 && fido_domain_peer_count(c) == 1);
	fido_domain_leave(c);
	fido_link_destroy(link);
	fido_domain_leave(a);
	test_rundir_empty();
}

TEST_MAIN_ONE(dead_slot)
