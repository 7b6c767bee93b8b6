/* SPDX-License-Identifier: BSD-3-Clause */
/* A buffer whose owner the next domain has not mapped is not forwarded: posting it is refused. */
#include "test.h"

static void
not_mapped(void **state)
{
	struct fido_domain *a = test_join("a"), *b = test_join("b");
	struct fido_region *mem = test_arena(a, 1 << 21), *own = test_arena(b, 1 << 21);
	struct fido_link *ab, *ba, *bc;
	struct test_remote c;
	struct fido_buf buf;
	struct fido_rx rx;
	uint64_t gaddr;

	/* In c's process the address range of a's slot is taken, so that c cannot map a. */
	test_spawn(&c);
	assert_int_equal(test_ask_number(&c, "block %u", fido_domain_slot(a)), 0);
	assert_int_equal(test_ask_number(&c, "join c"), 0);
	assert_int_equal(test_ask_number(&c, "link b 1 1 64"), 0);
	ab = test_link(a, "b", NULL, 1, 1, 64);
	ba = test_link(b, "a", NULL, 1, 1, 64);
	bc = test_link(b, "c", NULL, 1, 1, 64);
	test_wait_up(ab, ba);
	TEST_WAIT(fido_link_is_up(bc));
	TEST_WAIT(test_post(fido_link_txq(ab, 0), mem, 5) == 1);
	rx = test_poll(fido_link_rxq(ba, 0));
	buf = (struct fido_buf){rx.desc.data, rx.desc.len, 0, &rx};
	for (int i = 0; i < 20; i++) {
		assert_int_equal(fido_txq_post(fido_link_txq(bc, 0), &buf, 1), -EFAULT);
		usleep(5000);
	}
	assert_int_equal(test_reach(fido_link_txq(bc, 0), rx.desc.data, 1, &gaddr),
		FIDO_REACH_NONE);
	assert_int_equal(test_reach(fido_link_txq(ba, 0), rx.desc.data, 1, &gaddr),
		FIDO_REACH_FOREIGN);
	/* A copy in b's own memory arrives. */
	memcpy(test_buf(own, 0), rx.desc.data, rx.desc.len);
	buf.data = test_buf(own, 0);
	TEST_WAIT(fido_txq_post(fido_link_txq(bc, 0), &buf, 1) == 1);
	assert_int_equal(test_ask_number(&c, "poll 0 5 %d", TEST_BUF), test_buf(own, 0));
	test_ask(&c, "complete 0");
	test_take(fido_link_txq(bc, 0));
	test_complete(fido_link_rxq(ba, 0), &rx, FIDO_STATUS_OK);
	test_end(&c);
	fido_link_destroy(ab);
	fido_link_destroy(ba);
	fido_link_destroy(bc);
	fido_domain_leave(a);
	fido_domain_leave(b);
	test_rundir_empty();
}

TEST_MAIN_ONE(not_mapped)
