/* SPDX-License-Identifier: BSD-3-Clause */
/* A link comes up whichever end is opened first, and whether or not the peer has joined yet. */
#include "test.h"

static void
carries(struct fido_link *from, struct fido_link *to, const struct fido_region *mem)
{
	struct fido_rx rx;

	test_wait_up(from, to);
	TEST_WAIT(test_post(fido_link_txq(from, 0), mem, 4) == 1);
	rx = test_poll(fido_link_rxq(to, 0));
	assert_true(test_filled(rx.desc.data, rx.desc.len, 4));
	test_complete(fido_link_rxq(to, 0), &rx, FIDO_STATUS_OK);
	assert_int_equal(test_take(fido_link_txq(from, 0)), 5);
}

static void
same_process(bool a_first, bool peer_there)
{
	struct test_pair p = {0};

	if (peer_there)
		test_pair_join(&p);
	if (a_first) {
		if (!peer_there) {
			p.a = test_join("a");
			p.mem = test_arena(p.a, 1 << 21);
		}
		p.ab = test_link(p.a, "b", NULL, 1, 1, 64);
		if (!peer_there)
			p.b = test_join("b");
		usleep(20000); /* by now a has done all it can do alone */
		assert_false(fido_link_is_up(p.ab));
		p.ba = test_link(p.b, "a", NULL, 1, 1, 64);
	} else {
		if (!peer_there)
			p.b = test_join("b");
		p.ba = test_link(p.b, "a", NULL, 1, 1, 64);
		usleep(20000);
		assert_false(fido_link_is_up(p.ba));
		if (!peer_there) {
			p.a = test_join("a");
			p.mem = test_arena(p.a, 1 << 21);
		}
		p.ab = test_link(p.a, "b", NULL, 1, 1, 64);
	}
	carries(p.ab, p.ba, p.mem);
	test_pair_end(&p);
}

static void
in_one_process(void **state)
{
	for (int i = 0; i < 4; i++)
		same_process(i & 1, i & 2);
}

static void
other_process(bool it_first)
{
	struct fido_domain *a = NULL;
	struct fido_link *link = NULL;
	struct fido_region *mem;
	struct test_remote b;

	test_spawn(&b);
	if (!it_first) {
		a = test_join("a");
		link = test_link(a, "b", NULL, 1, 1, 64);
	}
	assert_int_equal(test_ask_number(&b, "join b"), 0);
	assert_int_equal(test_ask_number(&b, "link a 1 1 64"), 0);
	if (it_first) {
		assert_int_equal(test_ask_number(&b, "up"), 0);
		a = test_join("a");
		link = test_link(a, "b", NULL, 1, 1, 64);
	}
	mem = test_arena(a, 1 << 21);
	TEST_WAIT(fido_link_is_up(link));
	TEST_WAIT(test_post(fido_link_txq(link, 0), mem, 4) == 1);
	assert_int_equal(test_ask_number(&b, "poll 0 4 %d", TEST_BUF), test_buf(mem, 4));
	test_ask(&b, "complete 0");
	assert_int_equal(test_take(fido_link_txq(link, 0)), 5);
	fido_link_destroy(link);
	fido_domain_leave(a);
	test_end(&b);
	test_rundir_empty();
}

static void
in_two_processes(void **state)
{
	other_process(true);
	other_process(false);
}

TEST_MAIN(cmocka_unit_test(in_one_process), cmocka_unit_test(in_two_processes))
