/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A killed peer that restarts is linked again by itself, with a new generation; no other restarts.
 */
#include "test.h"

#include "link_private.h"

static void
restarts(void **state)
{
	struct fido_domain *a = test_join("a");
	struct fido_region *mem = test_arena(a, 1 << 21);
	struct fido_link *link = test_link(a, "b", NULL, 1, 1, 64);
	uint64_t generation = 0;

	for (uint32_t round = 0; round < 5; round++) {
		struct test_remote b;
		struct fido_rx rx;

		test_spawn(&b);
		assert_int_equal(test_ask_number(&b, "join b"), 0);
		assert_true(test_ask_number(&b, "arena 2097152") > 0);
		assert_int_equal(test_ask_number(&b, "link a 1 1 64"), 0);
		TEST_WAIT(fido_link_is_up(link) && test_ask_number(&b, "up") == 1);
		assert_true(fido_load_relaxed(&link->shm->peer_generation) != generation);
		generation = fido_load_relaxed(&link->shm->peer_generation);
		TEST_WAIT(test_post(fido_link_txq(link, 0), mem, round) == 1);
		assert_int_not_equal(test_ask_number(&b, "poll 0 %u %d", round, TEST_BUF), 0);
		test_ask(&b, "complete 0");
		assert_int_equal(test_take(fido_link_txq(link, 0)), round + 1);
		TEST_WAIT(test_ask_number(&b, "post 0 %u", round + 50) == 1);
		rx = test_poll(fido_link_rxq(link, 0));
		assert_true(test_filled(rx.desc.data, rx.desc.len, round + 50));
		test_complete(fido_link_rxq(link, 0), &rx, FIDO_STATUS_OK);
		if (round % 2)
			test_end(&b);
		else
			test_kill(&b);
		TEST_WAIT(!fido_link_is_up(link));
	}
	TEST_WAIT(fido_domain_peer_count(a) == 0);
	fido_link_destroy(link);
	fido_domain_leave(a);
	test_rundir_empty();
}

/* Also at once: before the dead generation is unmapped here. */
static void
restarts_while_held(void **state)
{
	struct fido_domain *a = test_join("a");
	struct fido_link *link = test_link(a, "b", NULL, 1, 1, 64);
	struct test_remote b[2];
	struct fido_rx rx[2];

	for (int i = 0; i < 2; i++) {
		test_spawn(&b[i]);
		assert_int_equal(test_ask_number(&b[i], "join b"), 0);
		assert_true(test_ask_number(&b[i], "arena 2097152") > 0);
		assert_int_equal(test_ask_number(&b[i], "link a 1 1 64"), 0);
		TEST_WAIT(test_ask_number(&b[i], "post 0 %d", i + 3) == 1);
		rx[i] = test_poll(fido_link_rxq(link, 0));
		test_kill(&b[i]);
	}
	TEST_WAIT(!fido_link_is_up(link));
	usleep(300000); /* longer than a dead peer stays mapped when none of its buffers is held */
	for (int i = 0; i < 2; i++)
		assert_true(test_filled(rx[i].desc.data, rx[i].desc.len, (uint64_t)i + 3));
	assert_int_equal(fido_domain_peer_count(a), 2);
	test_complete(fido_link_rxq(link, 0), &rx[0], FIDO_STATUS_OK);
	TEST_WAIT(fido_domain_peer_count(a) == 1);
	assert_true(test_filled(rx[1].desc.data, rx[1].desc.len, 4));
	test_complete(fido_link_rxq(link, 0), &rx[1], FIDO_STATUS_OK);
	TEST_WAIT(fido_domain_peer_count(a) == 0);
	fido_link_destroy(link);
	fido_domain_leave(a);
	test_rundir_empty();
}

TEST_MAIN(cmocka_unit_test(restarts), cmocka_unit_test(restarts_while_held))
