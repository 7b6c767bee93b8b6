/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * When the receiver is killed, its link goes down and the buffers it held are stranded, unchanged.
 *
 * Stranded buffers are counted.
 */
#include "test.h"

#include "link_private.h"

static void
killed(void **state)
{
	struct fido_domain *a = test_join("a");
	struct fido_region *mem = test_arena(a, 1 << 21);
	struct fido_link *link;
	struct fido_txq *tx;
	struct test_remote b;

	test_spawn(&b);
	assert_int_equal(test_ask_number(&b, "join b"), 0);
	assert_int_equal(test_ask_number(&b, "link a 1 1 64"), 0);
	link = test_link(a, "b", NULL, 1, 1, 64);
	tx = fido_link_txq(link, 0);
	TEST_WAIT(fido_link_is_up(link));
	for (uint32_t i = 0; i < 10; i++)
		TEST_WAIT(test_post(tx, mem, i) == 1);
	for (uint32_t i = 0; i < 4; i++)
		assert_int_not_equal(test_ask_number(&b, "poll 0 %u %d", i, TEST_BUF), 0);
	test_ask(&b, "complete 1");
	test_ask(&b, "complete 3");
	assert_int_equal(fido_load_relaxed(&link->shm->stranded), 0);
	/* A stopped process is not dead: its socket is silent, the link stays up. */
	test_stop(&b);
	usleep(50000);
	assert_true(fido_link_is_up(link));
	assert_int_equal(fido_domain_peer_count(a), 1);
	test_kill(&b);
	TEST_WAIT(!fido_link_is_up(link));
	assert_int_equal(test_post(tx, mem, 20), 0);
	/* Its completions arrive, also after its death. */
	assert_int_equal(test_take(tx), 2);
	assert_int_equal(test_take(tx), 4);
	/* No other domain had the buffers: the rest returns once that is certain, and only once. */
	assert_int_equal(test_take_all(tx, 8), 8);
	TEST_WAIT(fido_load_relaxed(&link->shm->stranded) == 0);
	assert_int_equal(fido_txq_out(tx), 0);
	TEST_WAIT(fido_domain_peer_count(a) == 0);
	fido_link_destroy(link);
	fido_domain_leave(a);
	test_rundir_empty();
}

TEST_MAIN_ONE(killed)
