/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A paused queue posts nothing while its link stays up and its posted messages come back.
 *
 * This holds across a restart of the peer.
 */
#include "test.h"

static void
paused(void **state)
{
	struct test_pair p;
	struct fido_txq *tx;
	struct fido_rxq *rx;
	struct fido_rx r;

	test_pair_start(&p, 64);
	tx = fido_link_txq(p.ab, 0);
	rx = fido_link_rxq(p.ba, 0);
	for (uint32_t i = 0; i < 10; i++)
		TEST_WAIT(test_post(tx, p.mem, i) == 1);
	fido_txq_pause(tx);
	assert_int_equal(test_post(tx, p.mem, 10), 0);
	assert_true(fido_link_is_up(p.ab) && fido_link_is_up(p.ba));
	for (uint32_t i = 0; i < 10; i++) {
		r = test_poll(rx);
		test_complete(rx, &r, FIDO_STATUS_OK);
		assert_int_equal(test_take(tx), i + 1);
	}
	assert_int_equal(fido_txq_out(tx), 0);
	fido_txq_resume(tx);
	assert_int_equal(test_post(tx, p.mem, 11), 1);
	r = test_poll(rx);
	test_complete(rx, &r, FIDO_STATUS_OK);
	assert_int_equal(test_take(tx), 12);

	/* The peer restarts, quiesces and resumes: the queue stays paused. */
	fido_txq_pause(tx);
	fido_link_close(p.ba);
	TEST_WAIT(!fido_link_is_up(p.ab));
	assert_int_equal(fido_link_open(p.ba), 0);
	test_wait_up(p.ab, p.ba);
	assert_int_equal(test_post(tx, p.mem, 12), 0);
	fido_link_quiesce(p.ba);
	TEST_WAIT(!fido_link_is_up(p.ab));
	/* Resumed while the link is down: it posts again when the link is up. */
	fido_txq_resume(tx);
	assert_int_equal(test_post(tx, p.mem, 13), 0);
	fido_link_resume(p.ba);
	test_wait_up(p.ab, p.ba);
	TEST_WAIT(test_post(tx, p.mem, 14) == 1);
	r = test_poll(rx);
	test_complete(rx, &r, FIDO_STATUS_OK);
	assert_int_equal(test_take(tx), 15);
	test_pair_end(&p);
}

TEST_MAIN_ONE(paused)
