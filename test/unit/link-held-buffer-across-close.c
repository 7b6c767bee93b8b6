/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A held buffer keeps its content while its link is closed, reopened and destroyed, and then
 * returns.
 */
#include "test.h"

/* Post `count` buffers, beginning with `first`; b polls and holds them. */
static void
hold(struct test_pair *p, struct fido_rx *rx, uint32_t first, uint32_t count)
{
	for (uint32_t i = first; i < first + count; i++) {
		TEST_WAIT(test_post(fido_link_txq(p->ab, 0), p->mem, i) == 1);
		rx[i] = test_poll(fido_link_rxq(p->ba, 0));
		assert_true(test_filled(rx[i].desc.data, TEST_BUF, i));
	}
}

static void
across_reopen(void **state)
{
	struct test_pair p;
	struct fido_rx rx[40];

	test_pair_start(&p, 64);
	for (uint32_t round = 0; round < 8; round++) {
		hold(&p, rx, round * 5, 5);
		fido_link_close(round % 2 ? p.ab : p.ba);
		assert_int_equal(fido_link_open(round % 2 ? p.ab : p.ba), 0);
		test_wait_up(p.ab, p.ba);
		assert_int_equal(fido_txq_out(fido_link_txq(p.ab, 0)), (round + 1) * 5);
		assert_int_equal(fido_rxq_held(fido_link_rxq(p.ba, 0)), (round + 1) * 5);
	}
	for (uint32_t i = 40; i-- > 0;) { /* newest first: each returns to the ring it came from */
		assert_true(test_filled(rx[i].desc.data, TEST_BUF, i));
		test_complete(fido_link_rxq(p.ba, 0), &rx[i], FIDO_STATUS_OK);
		assert_int_equal(test_take(fido_link_txq(p.ab, 0)), i + 1);
	}
	assert_int_equal(fido_txq_out(fido_link_txq(p.ab, 0)), 0);
	test_pair_end(&p);
}

/* The receiver's end is destroyed and the sender's closed: the buffer can still be given back. */
static void
across_destroy(void **state)
{
	struct test_pair p;
	struct fido_rx rx[1];
	struct fido_rxq *q;

	test_pair_start(&p, 64);
	q = fido_link_rxq(p.ba, 0);
	hold(&p, rx, 0, 1);
	fido_link_destroy(p.ba);
	fido_link_close(p.ab);
	usleep(50000);
	assert_true(test_filled(rx[0].desc.data, TEST_BUF, 0));
	assert_int_equal(fido_txq_out(fido_link_txq(p.ab, 0)), 1);
	test_complete(q, &rx[0], FIDO_STATUS_OK);
	assert_int_equal(test_take(fido_link_txq(p.ab, 0)), 1);
	p.ba = NULL;
	test_pair_end(&p);
}

/* A link re-created under the same name while the old one still holds a buffer comes up at once. */
static void
made_anew_meanwhile(void **state)
{
	struct test_pair p;
	struct fido_rx rx[2], more;
	struct fido_rxq *old;

	test_pair_start(&p, 64);
	old = fido_link_rxq(p.ba, 0);
	hold(&p, rx, 0, 1);
	fido_link_destroy(p.ba);
	p.ba = test_link(p.b, "a", NULL, 1, 1, 64);
	test_wait_up(p.ab, p.ba);
	TEST_WAIT(test_post(fido_link_txq(p.ab, 0), p.mem, 1) == 1);
	more = test_poll(fido_link_rxq(p.ba, 0));
	assert_true(test_filled(more.desc.data, TEST_BUF, 1));
	assert_true(test_filled(rx[0].desc.data, TEST_BUF, 0));
	test_complete(old, &rx[0], FIDO_STATUS_OK);
	assert_int_equal(test_take(fido_link_txq(p.ab, 0)), 1);
	test_complete(fido_link_rxq(p.ba, 0), &more, FIDO_STATUS_OK);
	assert_int_equal(test_take(fido_link_txq(p.ab, 0)), 2);
	test_pair_end(&p);
}

TEST_MAIN(cmocka_unit_test(across_reopen), cmocka_unit_test(across_destroy),
	cmocka_unit_test(made_anew_meanwhile))
