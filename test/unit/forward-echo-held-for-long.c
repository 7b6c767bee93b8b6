/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A message echoed to a domain that dies comes back, even if read hundreds of bursts before the
 * death.
 */
#include "test.h"

#define LATER 1000

/*
 * a (another process) --> here --> a: the first message goes back to a, which keeps it; all later
 * ones are completed. What this domain holds of a waits for what it has out with a, which is the
 * same buffer: it comes back only because it was read before it was posted.
 */
static void
held_for_long(void **state)
{
	struct fido_domain *d = test_join("here");
	struct fido_link *link = test_link(d, "a", NULL, 1, 1, 16);
	struct fido_txq *tx = fido_link_txq(link, 0);
	struct fido_rxq *rxq = fido_link_rxq(link, 0);
	struct fido_rx first, later;
	struct fido_buf back;
	struct test_remote a;
	void *cookies[16];

	test_spawn(&a);
	assert_int_equal(test_ask_number(&a, "join a"), 0);
	assert_true(test_ask_number(&a, "arena %d", 1 << 21) > 0);
	assert_int_equal(test_ask_number(&a, "link here 1 1 16"), 0);
	TEST_WAIT(test_ask_number(&a, "post 0 0 %d", TEST_BUF) == 1);
	first = test_poll(rxq);
	back = (struct fido_buf){.data = first.desc.data, .len = first.desc.len, .cookie = &first};
	TEST_WAIT(fido_txq_post(tx, &back, 1) == 1);
	assert_int_not_equal(test_ask_number(&a, "poll 0 0 %d", TEST_BUF), 0);
	for (int i = 0; i < LATER; i++) {
		TEST_WAIT(test_ask_number(&a, "post 0 %d %d", 1 + i % 8, TEST_BUF) == 1);
		later = test_poll(rxq);
		test_complete(rxq, &later, FIDO_STATUS_OK);
		while (test_ask_number(&a, "take 0") == 0)
			;
	}
	test_kill(&a);
	TEST_WAIT(fido_txq_reap(tx, cookies, 16) == 1);
	assert_ptr_equal(cookies[0], &first);
	test_complete(rxq, &first, FIDO_STATUS_OK);
	fido_link_destroy(link);
	fido_domain_leave(d);
	test_rundir_empty();
}

TEST_MAIN_ONE(held_for_long)
