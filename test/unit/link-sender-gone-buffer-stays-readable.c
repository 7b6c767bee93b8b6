/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A sender's buffers stay readable after it leaves or dies, until the receiver returns them.
 *
 * This includes buffers that the receiver can still poll. Afterwards they are unmapped.
 */
#include "test.h"

static void
sender_gone(bool clean)
{
	struct fido_domain *a = test_join("a");
	struct fido_link *link = test_link(a, "b", NULL, 1, 1, 64);
	struct fido_rxq *q = fido_link_rxq(link, 0);
	struct test_remote b;
	struct fido_rx rx[6];
	unsigned long gaddr;

	test_spawn(&b);
	assert_int_equal(test_ask_number(&b, "join b"), 0);
	gaddr = (unsigned long)test_ask_number(&b, "arena 2097152");
	assert_int_equal(test_ask_number(&b, "link a 1 1 64"), 0);
	for (uint32_t i = 0; i < 6; i++)
		TEST_WAIT(test_ask_number(&b, "post 0 %u", i) == 1);
	for (uint32_t i = 0; i < 3; i++)
		rx[i] = test_poll(q);
	if (clean)
		test_end(&b);
	else
		test_kill(&b);
	TEST_WAIT(!fido_link_is_up(link));
	usleep(300000);
	for (uint32_t i = 3; i < 6; i++)
		rx[i] = test_poll(q);
	for (uint32_t i = 0; i < 6; i++) {
		assert_true(test_filled(rx[i].desc.data, rx[i].desc.len, i));
		assert_int_equal(fido_domain_peer_count(a), 1);
		test_complete(q, &rx[i], FIDO_STATUS_OK);
	}
	TEST_WAIT(fido_domain_peer_count(a) == 0);
	assert_null(fido_map_ptr(fido_domain_map(a), gaddr, 1));
	fido_link_destroy(link);
	fido_domain_leave(a);
	test_rundir_empty();
}

static void
killed(void **state)
{
	sender_gone(false);
}

static void
left(void **state)
{
	sender_gone(true);
}

TEST_MAIN(cmocka_unit_test(killed), cmocka_unit_test(left))
