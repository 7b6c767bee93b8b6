/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Echoed buffers come back after the domain in the middle of a chain is killed.
 *
 * The end of the chain sends everything back the way it came. What it holds of the dead domain
 * waits for what it has out with the dead domain: all must come back nonetheless, and not before
 * the last reader has let go.
 */
#include "test.h"

#define COUNT 8

/*
 * a (here) --> b --> c --> b, which keeps some and forwards the others to a. What c holds of b
 * waits for what c has out with b.
 */
static void
echo(void **state)
{
	struct fido_domain *a = test_join("a");
	struct fido_region *mem = test_arena(a, 1 << 21);
	struct fido_link *link = test_link(a, "b", NULL, 1, 1, 64);
	struct fido_txq *tx = fido_link_txq(link, 0);
	struct test_remote b, c;
	struct fido_rx kept;
	void *cookies[64];

	test_spawn(&b);
	test_spawn(&c);
	assert_int_equal(test_ask_number(&b, "join b"), 0);
	assert_int_equal(test_ask_number(&c, "join c"), 0);
	assert_int_equal(test_ask_number(&b, "link a 1 1 64"), 0);
	assert_int_equal(test_ask_number(&b, "link c 1 1 64"), 0);
	assert_int_equal(test_ask_number(&c, "link b 1 1 64"), 0);
	for (uint32_t i = 0; i < COUNT; i++) {
		TEST_WAIT(test_post(tx, mem, i) == 1);
		test_ask(&b, "use 0");
		assert_int_not_equal(test_ask_number(&b, "poll 0 %u %d", i, TEST_BUF), 0);
		test_ask(&b, "use 1");
		TEST_WAIT(test_ask_number(&b, "forward %u 0", 2 * i) == 1);
		assert_int_not_equal(test_ask_number(&c, "poll 0 %u %d", i, TEST_BUF), 0);
		TEST_WAIT(test_ask_number(&c, "forward %u 0", i) == 1);
		assert_int_not_equal(test_ask_number(&b, "poll 0 %u %d", i, TEST_BUF), 0);
		if (i != 3)
			continue;
		/* The fourth comes all the way back and is kept. */
		test_ask(&b, "use 0");
		TEST_WAIT(test_ask_number(&b, "forward 7 0") == 1);
		kept = test_poll(fido_link_rxq(link, 0));
		assert_true(test_filled(kept.desc.data, TEST_BUF, 3));
	}
	test_kill(&b);
	TEST_WAIT(!fido_link_is_up(link));

	/*
	 * c's own tickets come back, newest first, since nobody reads their buffers; then c lets
	 * go.
	 */
	for (unsigned int n = 0, i = COUNT; n < COUNT - 4;) {
		unsigned int got = (unsigned int)test_ask_number(&c, "take 0");

		for (; got > 0; got--, n++)
			test_ask(&c, "complete %u", --i);
		usleep(1000);
	}
	/*
	 * The buffer that a keeps is c's fourth: its ticket stays out, and so do c's earlier ones,
	 * and a's.
	 */
	for (int i = 0; i < 30; i++) {
		usleep(5000);
		assert_int_equal(test_ask_number(&c, "take 0"), 0);
		assert_true(test_filled(kept.desc.data, TEST_BUF, 3));
	}
	assert_in_range(fido_txq_out(tx), 4, COUNT);
	test_complete(fido_link_rxq(link, 0), &kept, FIDO_STATUS_OK);
	for (unsigned int n = 0, i = COUNT - 4; n < 4;) {
		unsigned int got = (unsigned int)test_ask_number(&c, "take 0");

		for (; got > 0; got--, n++)
			test_ask(&c, "complete %u", --i);
		usleep(1000);
	}
	TEST_WAIT(fido_txq_reap(tx, cookies, 64) + fido_txq_out(tx) < UINT32_MAX &&
		fido_txq_out(tx) == 0);
	test_end(&c);
	fido_link_destroy(link);
	fido_domain_leave(a);
	test_rundir_empty();
}

TEST_MAIN_ONE(echo)
