/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Doorbells work after a link was reopened, reconfigured or re-created, and for its retired rings.
 */
#include "test.h"

#include <poll.h>

static bool
rings(const struct fido_doorbell *bell, int ms)
{
	struct pollfd fd = {.fd = fido_doorbell_fd(bell), .events = POLLIN};

	return poll(&fd, 1, ms) == 1;
}

/*
 * b's receive queue `rxq` sleeps; a posts on its queue `txq`: b is woken. Then the same for a's
 * completions.
 */
static void
both_wake(struct test_pair *p, uint16_t txq, uint16_t rxq)
{
	struct fido_txq *tx = fido_link_txq(p->ab, txq);
	struct fido_rxq *rx = fido_link_rxq(p->ba, rxq);
	struct fido_rx r;
	uint64_t rung;
	void *cookie;

	fido_doorbell_clear(rx->bell);
	fido_doorbell_clear(tx->bell);
	assert_false(fido_rxq_arm(rx));
	TEST_WAIT(test_post(tx, p->mem, 1) == 1);
	assert_true(rings(rx->bell, 5000));
	fido_rxq_disarm(rx, true);
	r = test_poll(rx);
	assert_false(fido_txq_arm(tx));
	test_complete(rx, &r, FIDO_STATUS_OK);
	assert_true(rings(tx->bell, 5000));
	fido_txq_disarm(tx, true);
	assert_int_equal(fido_txq_reap(tx, &cookie, 1), 1);
	/* No queue is armed: no doorbell rings. */
	rung = tx->stats->doorbells + rx->stats->doorbells;
	assert_int_equal(test_post(tx, p->mem, 1), 1);
	r = test_poll(rx);
	test_complete(rx, &r, FIDO_STATUS_OK);
	assert_int_equal(fido_txq_reap(tx, &cookie, 1), 1);
	assert_int_equal(tx->stats->doorbells + rx->stats->doorbells, rung);
}

static void
reopened(void **state)
{
	struct test_pair p;

	test_pair_start(&p, 64);
	for (int i = 0; i < 6; i++) {
		both_wake(&p, 0, 0);
		fido_link_close(i % 2 ? p.ab : p.ba);
		assert_int_equal(fido_link_open(i % 2 ? p.ab : p.ba), 0);
		test_wait_up(p.ab, p.ba);
	}
	both_wake(&p, 0, 0);
	test_pair_end(&p);
}

/* More queues than before: each has its own doorbell. */
static void
reconfigured(void **state)
{
	struct test_pair p;

	test_pair_start(&p, 64);
	both_wake(&p, 0, 0);
	for (uint16_t n = 4; n >= 2; n -= 2) {
		fido_link_close(p.ab);
		fido_link_close(p.ba);
		assert_int_equal(fido_link_configure(p.ab, n, n, 64), 0);
		assert_int_equal(fido_link_configure(p.ba, n, n, 64), 0);
		assert_int_equal(fido_link_open(p.ab), 0);
		assert_int_equal(fido_link_open(p.ba), 0);
		test_wait_up(p.ab, p.ba);
		for (uint16_t i = 0; i < n; i++)
			both_wake(&p, i, i);
	}
	test_pair_end(&p);
}

/* Destroyed and re-created at one end, then at the other: the doorbells are new. */
static void
made_anew(void **state)
{
	struct test_pair p;

	test_pair_start(&p, 64);
	both_wake(&p, 0, 0);
	for (int i = 0; i < 3; i++) {
		fido_link_destroy(p.ba);
		p.ba = test_link(p.b, "a", NULL, 1, 1, 64);
		test_wait_up(p.ab, p.ba);
		both_wake(&p, 0, 0);
		fido_link_destroy(p.ab);
		p.ab = test_link(p.a, "b", NULL, 1, 1, 64);
		test_wait_up(p.ab, p.ba);
		both_wake(&p, 0, 0);
	}
	test_pair_end(&p);
}

/* A receiver armed before the link came up is woken by the first packet. */
static void
armed_before(void **state)
{
	struct test_pair p;
	struct fido_rxq *rx;

	test_pair_start(&p, 64);
	rx = fido_link_rxq(p.ba, 0);
	fido_link_close(p.ab);
	TEST_WAIT(!fido_link_is_up(p.ba));
	assert_false(fido_rxq_arm(rx));
	assert_int_equal(fido_link_open(p.ab), 0);
	TEST_WAIT(test_post(fido_link_txq(p.ab, 0), p.mem, 3) == 1);
	/* A new ring for the queue also wakes it; it arms again until there is a packet. */
	while (fido_rxq_poll(rx, &(struct fido_rx){0}, 1) == 0) {
		assert_true(rings(rx->bell, 5000));
		fido_rxq_disarm(rx, true);
		if (fido_rxq_arm(rx))
			continue;
	}
	test_pair_end(&p);
}

/* What was sent before the link went down comes back later, and wakes the sender too. */
static void
on_old_rings(void **state)
{
	struct test_pair p;
	struct fido_txq *tx;
	struct fido_rxq *rx;
	struct fido_rx r[2];

	test_pair_start(&p, 64);
	tx = fido_link_txq(p.ab, 0);
	rx = fido_link_rxq(p.ba, 0);
	for (uint32_t i = 0; i < 2; i++) {
		TEST_WAIT(test_post(tx, p.mem, i) == 1);
		r[i] = test_poll(rx);
	}
	fido_link_close(p.ab);
	TEST_WAIT(!fido_link_is_up(p.ba));
	for (uint32_t i = 0; i < 2; i++) {
		fido_doorbell_clear(tx->bell);
		assert_false(fido_txq_arm(tx));
		test_complete(rx, &r[i], FIDO_STATUS_OK);
		assert_true(rings(tx->bell, 5000));
		assert_true(fido_txq_arm(tx)); /* one waits */
		fido_txq_disarm(tx, true);
		assert_int_equal(test_take(tx), i + 1);
	}
	test_pair_end(&p);
}

TEST_MAIN(cmocka_unit_test(reopened), cmocka_unit_test(reconfigured), cmocka_unit_test(made_anew),
	cmocka_unit_test(armed_before), cmocka_unit_test(on_old_rings))
