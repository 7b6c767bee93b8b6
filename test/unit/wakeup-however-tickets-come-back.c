/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A sleeping sender is woken however its tickets come back, on old and new rings.
 *
 * Completed, dropped, closed or recalled.
 */
#include "test.h"

#include <poll.h>

#include "link_private.h"

#define RING 64

static bool
rings(const struct fido_doorbell *bell, int ms)
{
	struct pollfd fd = {.fd = fido_doorbell_fd(bell), .events = POLLIN};

	return poll(&fd, 1, ms) == 1;
}

/* The sender looks and goes to sleep; nothing may have come yet. */
static void
sleep_on(struct fido_txq *q)
{
	fido_doorbell_clear(q->bell);
	assert_false(fido_txq_arm(q));
}

/* It is woken, and arming reports pending work until that is taken: then it may sleep. */
static void
woken_for(struct fido_txq *q, unsigned int tickets)
{
	struct fido_txq_fill fill;

	assert_true(rings(q->bell, TEST_LIMIT_MS));
	assert_true(fido_txq_arm(q));
	fido_txq_disarm(q, true);
	TEST_WAIT((fido_txq_look(q, &fill), fill.done + fill.done_old == tickets));
	assert_int_equal(test_take_all(q, tickets), tickets);
	assert_int_equal(fido_txq_out(q), 0);
	assert_false(fido_txq_arm(q));
	fido_txq_disarm(q, true);
}

static void
post(struct test_pair *p, struct fido_txq *q, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		TEST_WAIT(test_post(q, p->mem, i) == 1);
}

/* The receiver's poll returns messages that fail its check. */
static void
dropped(void **state)
{
	struct test_pair p;
	struct fido_txq *tx;
	struct fido_rx rx;

	test_pair_start(&p, RING);
	tx = fido_link_txq(p.ab, 0);
	sleep_on(tx);
	fido_lock_take(&tx->lock);
	fido_sender_put(tx->sender, 1, 64, 0, &p); /* unmapped memory */
	fido_sender_publish(tx->sender);
	fido_lock_release(&tx->lock);
	TEST_WAIT(fido_rxq_poll(fido_link_rxq(p.ba, 0), &rx, 1) == 0 &&
		fido_link_rxq(p.ba, 0)->stats->bad == 1);
	woken_for(tx, 1);
	test_pair_end(&p);
}

/*
 * The receiver closes or destroys its end of the link: messages that it has not polled come back.
 */
static void
closed(void **state)
{
	for (int destroy = 0; destroy < 2; destroy++) {
		struct test_pair p;
		struct fido_txq *tx;

		test_pair_start(&p, RING);
		tx = fido_link_txq(p.ab, 0);
		post(&p, tx, 3);
		sleep_on(tx);
		if (destroy) {
			fido_link_destroy(p.ba);
			p.ba = NULL;
		} else {
			fido_link_close(p.ba);
		}
		woken_for(tx, 3);
		test_pair_end(&p);
	}
}

/*
 * Polled messages come back one by one after the receiver closed; the sender has a new link by
 * then.
 */
static void
completed_after_close(void **state)
{
	struct test_pair p;
	struct fido_txq *tx;
	struct fido_rx rx[2];

	test_pair_start(&p, RING);
	tx = fido_link_txq(p.ab, 0);
	post(&p, tx, 2);
	for (int i = 0; i < 2; i++)
		rx[i] = test_poll(fido_link_rxq(p.ba, 0));
	fido_link_close(p.ba);
	TEST_WAIT(!fido_link_is_up(p.ab));
	assert_int_equal(fido_link_open(p.ba), 0);
	test_wait_up(p.ab, p.ba);
	for (int i = 0; i < 2; i++) {
		sleep_on(tx);
		test_complete(fido_link_rxq(p.ba, 0), &rx[i], FIDO_STATUS_OK);
		assert_true(rings(tx->bell, TEST_LIMIT_MS));
		assert_true(fido_txq_arm(tx));
		fido_txq_disarm(tx, true);
		assert_int_equal(test_take(tx), i + 1);
	}
	test_pair_end(&p);
}

/*
 * The receiver dies, or leaves, with some messages polled and some not. No other domain holds any.
 */
static void
recalled(bool leaves)
{
	struct test_remote r;
	struct fido_domain *a = test_join("a");
	struct test_pair p = {.a = a, .mem = test_arena(a, 4u << 20)};
	struct fido_link *link;
	struct fido_txq *tx;

	test_spawn(&r);
	assert_int_equal(test_ask_number(&r, "join b"), 0);
	assert_int_equal(test_ask_number(&r, "link a 1 1 %d", RING), 0);
	link = test_link(a, "b", NULL, 1, 1, RING);
	TEST_WAIT(fido_link_is_up(link));
	tx = fido_link_txq(link, 0);
	post(&p, tx, 5);
	for (int i = 0; i < 2; i++)
		assert_int_not_equal(test_ask_number(&r, "poll 0 %d %d", i, TEST_BUF), 0);
	sleep_on(tx);
	if (leaves)
		test_end(&r);
	else
		test_kill(&r);
	assert_true(rings(tx->bell, TEST_LIMIT_MS));
	/*
	 * A leaving receiver's unpolled messages come back before the rest, which also wakes the
	 * sender.
	 */
	for (unsigned int n = 0; n < 5;) {
		if (!fido_txq_arm(tx))
			assert_true(rings(tx->bell, TEST_LIMIT_MS));
		fido_txq_disarm(tx, true);
		n += fido_txq_reap(tx, (void *[8]){0}, 8);
	}
	assert_int_equal(fido_txq_out(tx), 0);
	assert_false(fido_txq_arm(tx));
	fido_txq_disarm(tx, true);
	fido_link_destroy(link);
	fido_domain_leave(a);
}

static void
killed(void **state)
{
	recalled(false);
}

static void
left(void **state)
{
	recalled(true);
}

/*
 * The peer's one receive queue reads two rings; completing messages of both in one call wakes both
 * senders.
 */
static void
two_senders(void **state)
{
	struct test_pair p;
	struct fido_rx rx[2];

	test_pair_join(&p);
	p.ab = test_link(p.a, "b", NULL, 2, 1, RING);
	p.ba = test_link(p.b, "a", NULL, 1, 1, RING);
	test_wait_up(p.ab, p.ba);
	for (uint16_t i = 0; i < 2; i++) {
		post(&p, fido_link_txq(p.ab, i), 1);
		rx[i] = test_poll(fido_link_rxq(p.ba, 0));
	}
	for (uint16_t i = 0; i < 2; i++)
		sleep_on(fido_link_txq(p.ab, i));
	fido_rxq_complete(fido_link_rxq(p.ba, 0), rx, 2, FIDO_STATUS_OK);
	for (uint16_t i = 0; i < 2; i++)
		woken_for(fido_link_txq(p.ab, i), 1);
	test_pair_end(&p);
}

TEST_MAIN(cmocka_unit_test(dropped), cmocka_unit_test(closed),
	cmocka_unit_test(completed_after_close), cmocka_unit_test(killed), cmocka_unit_test(left),
	cmocka_unit_test(two_senders))
