/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A descriptor of unmapped memory is dropped, completed with an error and counted; the link goes
 * on.
 */
#include "test.h"

/* Post an address unchecked, which an honest sender never does. */
static void
post_raw(struct fido_txq *q, uint64_t gaddr, uint32_t len, uint16_t flags, void *cookie)
{
	fido_lock_take(&q->lock);
	assert_int_not_equal(fido_sender_room(q->sender), 0);
	fido_sender_put(q->sender, gaddr, len, flags, cookie);
	fido_sender_publish(q->sender);
	fido_lock_release(&q->lock);
}

static void
outside(void **state)
{
	struct test_pair p;
	struct fido_txq *tx;
	struct fido_rxq *rx;
	struct fido_rx r;

	test_pair_start(&p, 64);
	tx = fido_link_txq(p.ab, 0);
	rx = fido_link_rxq(p.ba, 0);
	TEST_WAIT(test_post(tx, p.mem, 0) == 1); /* b has mapped the arena now */
	const uint64_t bad[] = {0, 1, (uintptr_t)&p, TEST_BASE - 1, p.mem->gaddr + p.mem->len,
		FIDO_GADDR_MASK, TEST_BASE + (UINT64_C(9) << TEST_SLOT_SHIFT)};
	const size_t count = sizeof(bad) / sizeof(bad[0]);

	for (size_t i = 0; i < count; i++)
		post_raw(tx, bad[i], 64, 0, (void *)(i + 100));
	post_raw(tx, p.mem->gaddr + p.mem->len - 10, 11, 0,
		(void *)(count + 100)); /* the last byte is outside */
	assert_int_equal(test_post(tx, p.mem, 1), 1);
	r = test_poll(rx);
	assert_true(test_filled(r.desc.data, r.desc.len, 0));
	test_complete(rx, &r, FIDO_STATUS_OK);
	r = test_poll(rx); /* the bad ones stay invisible */
	assert_true(test_filled(r.desc.data, r.desc.len, 1));
	test_complete(rx, &r, FIDO_STATUS_OK);
	assert_int_equal(test_take(tx), 1);
	for (size_t i = 0; i <= count; i++)
		assert_int_equal(test_take(tx), i + 100);
	assert_int_equal(test_take(tx), 2);
	assert_int_equal(rx->stats->bad, count + 1);
	assert_int_equal(rx->stats->packets, 2);
	assert_int_equal(rx->stats->polled, count + 3);
	assert_int_equal(rx->stats->completed, count + 3);
	assert_int_equal(tx->stats->errors, count + 1);
	assert_true(fido_link_is_up(p.ab) && fido_link_is_up(p.ba));
	test_pair_end(&p);
}

/* One bad part, wherever it stands, drops its whole message and no other. */
static void
in_a_message(void **state)
{
	struct test_pair p;
	struct fido_txq *tx;
	struct fido_rxq *rx;
	struct fido_rx r[4];

	test_pair_start(&p, 64);
	tx = fido_link_txq(p.ab, 0);
	rx = fido_link_rxq(p.ba, 0);
	TEST_WAIT(test_post(tx, p.mem, 0) == 1);
	r[0] = test_poll(rx);
	test_complete(rx, r, FIDO_STATUS_OK);
	for (unsigned int bad = 0; bad < 3; bad++) {
		for (unsigned int i = 0; i < 3; i++)
			post_raw(tx, i == bad ? 1 : p.mem->gaddr, 64, i < 2 ? FIDO_DESC_CHAINED : 0,
				tx);
		assert_int_equal(test_post(tx, p.mem, bad + 1), 1);
		assert_int_equal(fido_rxq_poll(rx, r, 4), 1);
		assert_true(test_filled(r[0].desc.data, r[0].desc.len, bad + 1));
		test_complete(rx, r, FIDO_STATUS_OK);
	}
	assert_int_equal(rx->stats->packets, 4);
	assert_int_equal(rx->stats->bad, 9);
	assert_int_equal(test_take_all(tx, 13), 13);
	assert_int_equal(fido_rxq_held(rx), 0);
	test_pair_end(&p);
}

/*
 * A descriptor flagged as naming no memory, whatever its address, is not delivered to a poll for
 * memory.
 */
static void
without_memory(void **state)
{
	struct test_pair p;
	struct fido_txq *tx;
	struct fido_rxq *rx;
	struct fido_rx r;

	test_pair_start(&p, 64);
	tx = fido_link_txq(p.ab, 0);
	rx = fido_link_rxq(p.ba, 0);
	TEST_WAIT(test_post(tx, p.mem, 0) == 1);
	r = test_poll(rx);
	test_complete(rx, &r, FIDO_STATUS_OK);
	post_raw(tx, 1, 64, FIDO_DESC_INLINE, tx);
	post_raw(tx, p.mem->gaddr, 64, FIDO_DESC_INLINE | 8, tx);
	assert_int_equal(test_post(tx, p.mem, 1), 1);
	r = test_poll(rx);
	assert_true(test_filled(r.desc.data, r.desc.len, 1));
	test_complete(rx, &r, FIDO_STATUS_OK);
	assert_int_equal(rx->stats->bad, 2);
	assert_int_equal(test_take_all(tx, 4), 4);
	test_pair_end(&p);
}

TEST_MAIN(cmocka_unit_test(outside), cmocka_unit_test(in_a_message),
	cmocka_unit_test(without_memory))
