/* SPDX-License-Identifier: BSD-3-Clause */
/* A queue reports its rings truly: waiting, held and returned tickets, and the room left. */
#include "test.h"

static struct fido_rxq_fill
look(struct fido_rxq *q, uint32_t max)
{
	struct fido_rxq_fill fill;

	fido_rxq_look(q, max, &fill);
	return fill;
}

static void
counts(void **state)
{
	struct test_pair p;
	struct fido_txq *tx;
	struct fido_rxq *rx;
	struct fido_rxq_fill fill;
	struct fido_txq_fill room;
	struct fido_rx r[4];

	test_pair_start(&p, 64);
	tx = fido_link_txq(p.ab, 0);
	rx = fido_link_rxq(p.ba, 0);
	/* The receiver reads the ring once it has seen that the sender is ready. */
	TEST_WAIT(look(rx, UINT32_MAX).rings == 1);
	fill = look(rx, UINT32_MAX);
	assert_true(fill.size == 64 && fill.waiting == 0 && fill.held == 0);
	/* Across the end of the ring, many times. */
	for (uint32_t round = 0; round < 40; round++) {
		for (uint32_t i = 0; i < 10; i++)
			TEST_WAIT(test_post(tx, p.mem, i) == 1);
		assert_int_equal(look(rx, UINT32_MAX).waiting, 10);
		assert_int_equal(look(rx, 3).waiting, 3);
		assert_int_equal(look(rx, 0).waiting, 0);
		for (uint32_t i = 0; i < 4; i++)
			r[i] = test_poll(rx);
		fill = look(rx, UINT32_MAX);
		assert_true(fill.waiting == 6 && fill.held == 4);
		fido_txq_look(tx, &room);
		assert_true(room.size == 64 && room.open && room.room == 54 && room.done == 0);
		for (uint32_t i = 0; i < 4; i++)
			test_complete(rx, &r[i], FIDO_STATUS_OK);
		fido_txq_look(tx, &room);
		assert_true(room.room == 54 && room.done == 4);
		assert_int_equal(test_take_all(tx, 4), 4);
		fido_txq_look(tx, &room);
		assert_true(room.room == 58 && room.done == 0);
		for (uint32_t i = 0; i < 6; i++) {
			r[0] = test_poll(rx);
			test_complete(rx, &r[0], FIDO_STATUS_OK);
		}
		assert_int_equal(test_take_all(tx, 6), 6);
	}
	fido_link_close(p.ab);
	TEST_WAIT(look(rx, UINT32_MAX).rings == 0);
	fido_txq_look(tx, &room);
	assert_true(room.size == 0 && !room.open);
	test_pair_end(&p);
}

/*
 * A full ring; and a burst that is written but unpublished does not count, nor does what follows
 * it.
 */
static void
unpublished(void **state)
{
	struct test_pair p;
	struct fido_txq *tx;
	struct fido_rxq *rx;

	test_pair_start(&p, 64);
	tx = fido_link_txq(p.ab, 0);
	rx = fido_link_rxq(p.ba, 0);
	TEST_WAIT(look(rx, UINT32_MAX).rings == 1);
	for (uint32_t i = 0; i < 5; i++)
		TEST_WAIT(test_post(tx, p.mem, i) == 1);
	for (uint32_t i = 5; i < 64; i++)
		fido_sender_put(tx->sender, (uintptr_t)test_buf(p.mem, i), TEST_BUF, 0,
			(void *)(uintptr_t)(i + 1));
	assert_int_equal(look(rx, UINT32_MAX).waiting, 5);
	fido_sender_publish(tx->sender);
	assert_int_equal(look(rx, UINT32_MAX).waiting, 64);
	for (uint32_t i = 0; i < 64; i++) {
		struct fido_rx r = test_poll(rx);

		test_complete(rx, &r, FIDO_STATUS_OK);
	}
	assert_int_equal(test_take_all(tx, 64), 64);
	test_pair_end(&p);
}

TEST_MAIN(cmocka_unit_test(counts), cmocka_unit_test(unpublished))
