/* SPDX-License-Identifier: BSD-3-Clause */
/* A forwarded buffer stays readable for its holder after its owner is killed. */
#include "test.h"

static void
owner_gone(void **state)
{
	struct fido_domain *b = test_join("b"), *c = test_join("c");
	struct fido_link *ba = test_link(b, "a", NULL, 1, 1, 64),
			 *bc = test_link(b, "c", NULL, 1, 1, 64);
	struct fido_link *cb = test_link(c, "b", NULL, 1, 1, 64);
	struct fido_rx at_b, at_c;
	struct test_remote a;

	test_spawn(&a);
	assert_int_equal(test_ask_number(&a, "join a"), 0);
	assert_true(test_ask_number(&a, "arena 2097152") > 0);
	assert_int_equal(test_ask_number(&a, "link b 1 1 64"), 0);
	TEST_WAIT(test_ask_number(&a, "post 0 9") == 1);
	at_b = test_poll(fido_link_rxq(ba, 0));
	test_wait_up(bc, cb);
	TEST_WAIT(fido_txq_post(fido_link_txq(bc, 0),
			  &(struct fido_buf){at_b.desc.data, at_b.desc.len, 0, &at_b}, 1) == 1);
	test_kill(&a);
	TEST_WAIT(!fido_link_is_up(ba));
	usleep(400000);
	/* c polls it only now; b has held it for c all the time. */
	at_c = test_poll(fido_link_rxq(cb, 0));
	assert_non_null(at_c.desc.data);
	assert_true(test_filled(at_c.desc.data, at_c.desc.len, 9));
	assert_int_equal(fido_domain_peer_count(b), 2);
	assert_int_equal(fido_domain_peer_count(c), 2);
	test_complete(fido_link_rxq(cb, 0), &at_c, FIDO_STATUS_OK);
	assert_int_equal(test_take(fido_link_txq(bc, 0)), &at_b);
	assert_true(test_filled(at_b.desc.data, at_b.desc.len, 9));
	test_complete(fido_link_rxq(ba, 0), &at_b, FIDO_STATUS_OK);
	TEST_WAIT(fido_domain_peer_count(b) == 1 && fido_domain_peer_count(c) == 1);
	fido_link_destroy(ba);
	fido_link_destroy(bc);
	fido_link_destroy(cb);
	fido_domain_leave(b);
	fido_domain_leave(c);
	test_rundir_empty();
}

TEST_MAIN_ONE(owner_gone)
