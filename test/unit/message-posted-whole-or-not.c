/* SPDX-License-Identifier: BSD-3-Clause */
/* A message of several buffers is posted whole or not at all; an impossible one is refused. */
#include "test.h"

static struct test_pair p;

/* Post a message of n buffers, the k-th (if < n) unreachable. @return as fido_txq_post() */
static int
post(unsigned int n, unsigned int bad, bool ended)
{
	static char elsewhere[16];
	struct fido_buf b[128];

	for (unsigned int i = 0; i < n; i++)
		b[i] = (struct fido_buf){i == bad ? elsewhere : test_buf(p.mem, i), 16,
			i + 1 < n || !ended ? FIDO_DESC_CHAINED : 0, &p};
	return fido_txq_post(fido_link_txq(p.ab, 0), b, n);
}

static unsigned int
receive_all(void)
{
	struct fido_rx rx[128];
	unsigned int n = fido_rxq_poll(fido_link_rxq(p.ba, 0), rx, 128);

	for (unsigned int i = 0; i < n; i++)
		assert_int_equal(rx[i].desc.flags, i + 1 < n ? FIDO_DESC_CHAINED : 0);
	fido_rxq_complete(fido_link_rxq(p.ba, 0), rx, n, FIDO_STATUS_OK);
	assert_int_equal(test_take_all(fido_link_txq(p.ab, 0), n), n);
	return n;
}

static void
messages(void **state)
{
	struct fido_txq *q;

	test_pair_start(&p, 64);
	q = fido_link_txq(p.ab, 0);
	TEST_WAIT(post(1, 1, true) == 1);
	TEST_WAIT(receive_all() == 1);
	for (unsigned int n = 1; n <= 64; n++) {
		assert_int_equal(post(n, n, true), n);
		assert_int_equal(receive_all(), n);
	}
	assert_int_equal(post(65, 65, true), -EINVAL); /* longer than the ring */
	assert_int_equal(post(3, 3, false), -EINVAL);  /* without an end */
	for (unsigned int bad = 0; bad < 5; bad++)
		assert_int_equal(post(5, bad, true), -EFAULT);
	assert_int_equal(receive_all(), 0);
	assert_int_equal(fido_txq_out(q), 0);
	assert_int_equal(q->stats->packets, 65);
	/* No room for all of it: nothing is sent, which is counted. */
	assert_int_equal(post(60, 60, true), 60);
	assert_int_equal(post(5, 5, true), 0);
	assert_int_equal(fido_txq_out(q), 60);
	assert_int_equal(q->stats->ring_full, 1);
	assert_int_equal(post(4, 4, true), 4);
	assert_int_equal(fido_txq_out(q), 64);
	test_pair_end(&p);
}

/* Of several messages in one call, those before the first impossible one are sent. */
static void
several(void **state)
{
	static char elsewhere[16];
	struct fido_buf b[6];

	test_pair_start(&p, 64);
	TEST_WAIT(post(1, 1, true) == 1);
	TEST_WAIT(receive_all() == 1);
	for (unsigned int i = 0; i < 6; i++)
		b[i] = (struct fido_buf){test_buf(p.mem, i), 16, i % 2 ? 0 : FIDO_DESC_CHAINED, &p};
	b[3].data = elsewhere;
	assert_int_equal(fido_txq_post(fido_link_txq(p.ab, 0), b, 6), 2);
	assert_int_equal(fido_txq_post(fido_link_txq(p.ab, 0), b + 2, 4), -EFAULT);
	assert_int_equal(receive_all(), 2);
	assert_int_equal(fido_txq_post(fido_link_txq(p.ab, 0), b, 0), 0);
	test_pair_end(&p);
}

TEST_MAIN(cmocka_unit_test(messages), cmocka_unit_test(several))
