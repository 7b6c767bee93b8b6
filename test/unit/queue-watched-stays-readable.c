/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A watched queue's next descriptor can be read as long as it is watched, even if the peer dies.
 *
 * It shows when a descriptor arrives.
 */
#include "test.h"

static const uint64_t *word;
static uint16_t lap;

static bool
seen(void)
{
	return (uint16_t)fido_load_relaxed(word) == lap;
}

static void
follows(void **state)
{
	struct test_pair p;
	struct fido_txq *tx;
	struct fido_rxq *rx;
	struct fido_rx r;

	test_pair_start(&p, 16);
	tx = fido_link_txq(p.ab, 0);
	rx = fido_link_rxq(p.ba, 0);
	TEST_WAIT(fido_rxq_watch(rx, &word, &lap) == 0);
	for (uint32_t i = 0; i < 100; i++) {
		assert_int_equal(fido_rxq_watch(rx, &word, &lap), 0);
		assert_false(seen());
		TEST_WAIT(test_post(tx, p.mem, i % 16) == 1);
		TEST_WAIT(seen());
		r = test_poll(rx);
		test_complete(rx, &r, FIDO_STATUS_OK);
		assert_int_equal(test_take(tx), i % 16 + 1);
	}
	/* Closing a link ends the watch, whoever watches. */
	assert_int_equal(fido_rxq_watch(rx, &word, &lap), 0);
	fido_link_close(p.ba);
	TEST_WAIT(fido_rxq_watch(rx, &word, &lap) == -EAGAIN);
	test_pair_end(&p);
}

static void
killed(void **state)
{
	struct fido_domain *a = test_join("a");
	struct fido_link *link;
	struct fido_rxq *rx;
	struct test_remote b;

	test_spawn(&b);
	assert_int_equal(test_ask_number(&b, "join b"), 0);
	assert_int_equal(test_ask_number(&b, "link a 1 1 64"), 0);
	link = test_link(a, "b", NULL, 1, 1, 64);
	rx = fido_link_rxq(link, 0);
	TEST_WAIT(fido_rxq_watch(rx, &word, &lap) == 0);
	assert_false(seen());
	test_kill(&b);
	TEST_WAIT(!fido_link_is_up(link));
	/* Longer than the control thread takes to release unused memory. */
	for (int i = 0; i < 200; i++) {
		assert_false(seen());
		usleep(1000);
	}
	assert_true(rx->watched != NULL);
	/* Asking again ends the watch. */
	assert_int_equal(fido_rxq_watch(rx, &word, &lap), -EAGAIN);
	assert_null(rx->watched);
	TEST_WAIT(fido_domain_peer_count(a) == 0);
	fido_link_destroy(link);
	fido_domain_leave(a);
	test_rundir_empty();
}

static void
several(void **state)
{
	struct test_pair p;

	test_pair_join(&p);
	p.ab = test_link(p.a, "b", NULL, 2, 1, 16);
	p.ba = test_link(p.b, "a", NULL, 1, 1, 16);
	test_wait_up(p.ab, p.ba);
	/* The queue reads both of a's rings. */
	TEST_WAIT(fido_rxq_watch(fido_link_rxq(p.ba, 0), &word, &lap) == -ENOTSUP);
	assert_null(fido_link_rxq(p.ba, 0)->watched);
	test_pair_end(&p);
}

TEST_MAIN(cmocka_unit_test(follows), cmocka_unit_test(killed), cmocka_unit_test(several))
