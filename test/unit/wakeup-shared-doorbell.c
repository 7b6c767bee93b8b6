/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Packets and completions both end the sleep of a transmit queue that shares an Rx queue's
 * doorbell.
 */
#include "test.h"

#include <poll.h>

static void
shared(void **state)
{
	struct fido_link_config config = {.peer = "b"};
	struct test_pair p;
	struct fido_txq *tx;
	struct fido_rxq *rx;
	struct pollfd fd = {.events = POLLIN};

	test_pair_join(&p);
	assert_int_equal(fido_link_create(p.a, &config, &p.ab), 0);
	assert_int_equal(fido_link_configure(p.ab, 1, 1, 64), 0);
	tx = fido_link_txq(p.ab, 0);
	rx = fido_link_rxq(p.ab, 0);
	fido_txq_share_bell(tx, rx);
	fido_txq_share_bell(tx, rx); /* again: no effect */
	assert_ptr_equal(tx->bell, rx->bell);
	assert_int_equal(fido_link_open(p.ab), 0);
	p.ba = test_link(p.b, "a", NULL, 1, 1, 64);
	test_wait_up(p.ab, p.ba);
	fd.fd = fido_doorbell_fd(rx->bell);
	for (int i = 0; i < 10; i++) {
		struct fido_rx got;

		TEST_WAIT(test_post(tx, p.mem, 1) == 1);
		got = test_poll(fido_link_rxq(p.ba, 0));
		fido_doorbell_clear(rx->bell);
		if (i % 2 == 0)
			assert_false(fido_rxq_arm(rx) || fido_txq_arm(tx));
		else
			assert_false(fido_link_arm(rx, &tx, 1));
		test_complete(fido_link_rxq(p.ba, 0), &got, FIDO_STATUS_OK);
		assert_int_equal(poll(&fd, 1, 5000), 1);
		fido_txq_disarm(tx, false);
		fido_rxq_disarm(rx, false);
		assert_int_equal(poll(&fd, 1, 0), 1); /* disarming leaves the doorbell as it is */
		fido_rxq_disarm(rx, true);
		assert_int_equal(poll(&fd, 1, 0), 0);
		assert_true(fido_link_arm(rx, &tx, 1)); /* completions wait already */
		fido_txq_disarm(tx, false);
		fido_rxq_disarm(rx, true);
		assert_int_equal(test_take(tx), 2);
	}
	test_pair_end(&p);
}

TEST_MAIN_ONE(shared)
