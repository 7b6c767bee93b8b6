/* SPDX-License-Identifier: BSD-3-Clause */
/* Messages that a receiver has not polled when it closes come back with an error, counted. */
#include "test.h"

static void
unpolled(void **state)
{
	struct test_pair p;
	struct fido_txq *tx;
	struct fido_rx rx;

	test_pair_start(&p, 64);
	tx = fido_link_txq(p.ab, 0);
	for (uint32_t i = 0; i < 20; i++)
		TEST_WAIT(test_post(tx, p.mem, i) == 1);
	rx = test_poll(fido_link_rxq(p.ba, 0));
	fido_link_close(p.ba);
	for (uint32_t i = 1; i < 20; i++)
		assert_int_equal(test_take(tx), i + 1);
	assert_int_equal(fido_txq_out(tx), 1);
	assert_int_equal(tx->stats->errors, 19);
	assert_int_equal(fido_rxq_held(fido_link_rxq(p.ba, 0)), 1);
	test_complete(fido_link_rxq(p.ba, 0), &rx, FIDO_STATUS_OK);
	assert_int_equal(test_take(tx), 1);
	assert_int_equal(tx->stats->errors, 19);
	assert_int_equal(tx->stats->posted, 20);
	assert_int_equal(tx->stats->reaped, 20);
	test_pair_end(&p);
}

/* What the sender posted before it closed can still be polled. */
static void
sender_closes(void **state)
{
	struct test_pair p;
	struct fido_txq *tx;

	test_pair_start(&p, 64);
	tx = fido_link_txq(p.ab, 0);
	TEST_WAIT(test_post(tx, p.mem, 0) == 1);
	fido_rxq_complete(fido_link_rxq(p.ba, 0), &(struct fido_rx){0}, 0,
		0); /* nothing to complete */
	for (uint32_t i = 1; i < 20; i++)
		assert_int_equal(test_post(tx, p.mem, i), 1);
	fido_link_close(p.ab);
	TEST_WAIT(!fido_link_is_up(p.ba));
	usleep(50000);
	for (uint32_t i = 0; i < 20; i++) {
		struct fido_rx rx = test_poll(fido_link_rxq(p.ba, 0));

		assert_true(test_filled(rx.desc.data, rx.desc.len, i));
		test_complete(fido_link_rxq(p.ba, 0), &rx, FIDO_STATUS_OK);
		assert_int_equal(test_take(tx), i + 1);
	}
	assert_int_equal(tx->stats->errors, 0);
	test_pair_end(&p);
}

TEST_MAIN(cmocka_unit_test(unpolled), cmocka_unit_test(sender_closes))
