/* SPDX-License-Identifier: BSD-3-Clause */
/* Quiescing stops the peer from posting; what is under way still completes; resuming undoes it. */
#include "test.h"

static void
quiesce(void **state)
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
	fido_link_quiesce(p.ba);
	TEST_WAIT(!fido_link_is_up(p.ab)); /* a may not post */
	assert_int_equal(test_post(tx, p.mem, 10), 0);
	assert_true(fido_link_is_connected(p.ab) && fido_link_is_connected(p.ba));
	assert_true(fido_link_is_up(p.ba)); /* b may */
	for (uint32_t i = 0; i < 10; i++) {
		r = test_poll(rx);
		assert_true(test_filled(r.desc.data, r.desc.len, i));
		test_complete(rx, &r, FIDO_STATUS_OK);
		assert_int_equal(test_take(tx), i + 1);
	}
	assert_int_equal(fido_txq_out(tx), 0);
	assert_int_equal(fido_rxq_held(rx), 0);
	fido_link_quiesce(p.ba); /* again: no effect */
	fido_link_resume(p.ba);
	TEST_WAIT(fido_link_is_up(p.ab));
	assert_int_equal(test_post(tx, p.mem, 11), 1);
	r = test_poll(rx);
	test_complete(rx, &r, FIDO_STATUS_OK);
	assert_int_equal(test_take(tx), 12);
	/* Reopening resumes too. */
	fido_link_quiesce(p.ba);
	TEST_WAIT(!fido_link_is_up(p.ab));
	fido_link_close(p.ba);
	assert_int_equal(fido_link_open(p.ba), 0);
	TEST_WAIT(fido_link_is_up(p.ab));
	test_pair_end(&p);
}

TEST_MAIN_ONE(quiesce)
