/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What A sends to D over B and C, D reads in A's memory at A's address; each buffer returns that
 * way.
 */
#include "test.h"

#define COUNT 20u

/* ---- four domains in one process ---- */

struct hop {
	struct fido_domain *d;
	struct fido_link *in;
	struct fido_link *out;
	struct fido_rx held[COUNT];
};

static void
pass_on(struct hop *h, uint32_t i)
{
	h->held[i] = test_poll(fido_link_rxq(h->in, 0));
	TEST_WAIT(fido_txq_post(fido_link_txq(h->out, 0),
			  &(struct fido_buf){h->held[i].desc.data, h->held[i].desc.len, 0,
				  &h->held[i]},
			  1) == 1);
}

static void
pass_back(struct hop *h)
{
	struct fido_rx *rx = (struct fido_rx *)test_take(fido_link_txq(h->out, 0));

	test_complete(fido_link_rxq(h->in, 0), rx, FIDO_STATUS_OK);
}

static void
in_one_process(void **state)
{
	static const char *const names[] = {"a", "b", "c", "d"};
	static struct hop h[4];
	struct fido_region *mem;

	for (int i = 0; i < 4; i++)
		h[i].d = test_join(names[i]);
	mem = test_arena(h[0].d, 1 << 21);
	for (int i = 0; i < 3; i++) {
		h[i].out = test_link(h[i].d, names[i + 1], NULL, 1, 1, 64);
		h[i + 1].in = test_link(h[i + 1].d, names[i], NULL, 1, 1, 64);
		test_wait_up(h[i].out, h[i + 1].in);
	}
	for (uint32_t i = 0; i < COUNT; i++) {
		TEST_WAIT(test_post(fido_link_txq(h[0].out, 0), mem, i) == 1);
		pass_on(&h[1], i);
		pass_on(&h[2], i);
		h[3].held[i] = test_poll(fido_link_rxq(h[3].in, 0));
		assert_int_equal(h[3].held[i].desc.gaddr, (uintptr_t)test_buf(mem, i));
		assert_ptr_equal(h[3].held[i].desc.data, test_buf(mem, i));
		assert_true(test_filled(h[3].held[i].desc.data, TEST_BUF, i));
	}
	for (uint32_t i = COUNT; i-- > 0;) {
		assert_int_equal(fido_txq_out(fido_link_txq(h[0].out, 0)), i + 1);
		test_complete(fido_link_rxq(h[3].in, 0), &h[3].held[i], FIDO_STATUS_OK);
		pass_back(&h[2]);
		pass_back(&h[1]);
		assert_int_equal(test_take(fido_link_txq(h[0].out, 0)), i + 1);
	}
	for (int i = 0; i < 3; i++) {
		const struct fido_tx_stats_shm *s = fido_link_txq(h[i].out, 0)->stats;

		assert_int_equal(s->packets, COUNT);
		assert_int_equal(s->zero_copy, i == 0 ? COUNT : 0);
		assert_int_equal(s->forwarded, i == 0 ? 0 : COUNT);
		assert_int_equal(s->copied, 0);
	}
	for (int i = 0; i < 4; i++) {
		fido_link_destroy(h[i].in);
		fido_link_destroy(h[i].out);
		fido_domain_leave(h[i].d);
	}
	test_rundir_empty();
}

/* ---- four processes ---- */

static void
in_four_processes(void **state)
{
	static const char *const names[] = {"a", "b", "c", "d"};
	struct test_remote r[4];
	unsigned long mem;

	for (int i = 0; i < 4; i++) {
		test_spawn(&r[i]);
		assert_int_equal(test_ask_number(&r[i], "join %s", names[i]), 0);
	}
	mem = (unsigned long)test_ask_number(&r[0], "arena 2097152");
	for (int i = 0; i < 4; i++) {
		if (i > 0)
			assert_int_equal(test_ask_number(&r[i], "link %s 1 1 64", names[i - 1]), 0);
		if (i < 3)
			assert_int_equal(test_ask_number(&r[i], "link %s 1 1 64", names[i + 1]), 0);
	}
	for (unsigned int i = 0; i < COUNT; i++) {
		TEST_WAIT(test_ask_number(&r[0], "post 0 %u", i) == 1);
		for (int k = 1; k < 4; k++) {
			test_ask(&r[k], "use 0");
			assert_int_equal(test_ask_number(&r[k], "poll 0 %u %d", i, TEST_BUF),
				mem + i * TEST_BUF);
			test_ask(&r[k], "use 1");
			if (k < 3)
				TEST_WAIT(test_ask_number(&r[k], "forward %u 0", i) == 1);
		}
	}
	for (unsigned int i = 0; i < COUNT; i++) {
		assert_int_equal(test_ask_number(&r[3], "check %u %u %d", i, i, TEST_BUF), 1);
		for (int k = 3; k > 0; k--) {
			test_ask(&r[k], "complete %u", i);
			assert_int_equal(test_ask_number(&r[k - 1], "take 0"), 1);
		}
	}
	for (int i = 0; i < 4; i++)
		test_end(&r[i]);
	test_rundir_empty();
}

TEST_MAIN(cmocka_unit_test(in_one_process), cmocka_unit_test(in_four_processes))
