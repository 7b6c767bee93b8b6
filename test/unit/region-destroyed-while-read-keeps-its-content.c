/* SPDX-License-Identifier: BSD-3-Clause */
/* Memory that a receiver reads keeps its content while its owner destroys, withdraws or leaves. */
#include "test.h"

#define M (UINT64_C(1) << 20)
#define LEN 2048

/* a's domain, and b, another process, which holds a message from a. */
struct holder {
	struct fido_domain *a;
	struct fido_link *link;
	struct test_remote b;
};

static void
holder_start(struct holder *h)
{
	test_spawn(&h->b);
	h->a = test_join("a");
	assert_int_equal(test_ask_number(&h->b, "join b"), 0);
	h->link = test_link(h->a, "b", NULL, 1, 1, 64);
	assert_int_equal(test_ask_number(&h->b, "link a 1 1 64"), 0);
	TEST_WAIT(fido_link_is_up(h->link));
}

static void
holder_end(struct holder *h)
{
	fido_link_destroy(h->link);
	fido_domain_leave(h->a);
	test_end(&h->b);
	test_rundir_empty();
}

/* Post what lies at p; b polls it. */
static uint64_t
send(struct holder *h, void *p, uint64_t seed)
{
	struct fido_buf buf = {p, LEN, 0, p};
	uint64_t gaddr;

	test_fill(p, LEN, seed);
	TEST_WAIT(fido_txq_post(fido_link_txq(h->link, 0), &buf, 1) == 1);
	gaddr = (uint64_t)test_ask_number(&h->b, "poll 0 %u %u", (unsigned int)seed, LEN);
	assert_true(gaddr != 0);
	return gaddr;
}

static bool
b_reads(struct holder *h, unsigned int k, unsigned int seed)
{
	return test_ask_number(&h->b, "check %u %u %u", k, seed, LEN) == 1;
}

static bool
b_has_mapped(struct holder *h, uint64_t gaddr)
{
	return test_ask_number(&h->b, "mapped 0x%lx", gaddr) == 1;
}

static void
destroyed(void **state)
{
	struct fido_region *mem, *other;
	struct holder h;
	uint64_t gaddr;

	(void)state;
	holder_start(&h);
	mem = test_arena(h.a, 2 * M);
	gaddr = send(&h, test_buf(mem, 3), 7);
	fido_region_destroy(mem);
	assert_true(b_reads(&h, 0, 7));
	/* Its range is not given to another region. */
	other = test_arena(h.a, 2 * M);
	assert_true(other->gaddr != (gaddr & ~(2 * M - 1)));
	assert_true(b_reads(&h, 0, 7));
	/* Once returned, it is gone without another call. */
	assert_int_equal(test_ask_number(&h.b, "complete 0"), 0);
	TEST_WAIT(!b_has_mapped(&h, gaddr));
	test_take(fido_link_txq(h.link, 0));
	holder_end(&h);
}

static void
destroyed_with_link(void **state)
{
	struct fido_region *mem;
	struct holder h;
	uint64_t gaddr;

	(void)state;
	holder_start(&h);
	mem = test_arena(h.a, 2 * M);
	gaddr = send(&h, test_buf(mem, 3), 7);
	fido_link_destroy(h.link);
	fido_region_destroy(mem);
	assert_true(b_reads(&h, 0, 7));
	assert_int_equal(test_ask_number(&h.b, "complete 0"), 0);
	TEST_WAIT(!b_has_mapped(&h, gaddr));
	h.link = NULL;
	holder_end(&h);
}

static void
withdrawn(void **state)
{
	struct fido_region *mem;
	struct holder h;
	uint64_t gaddr;
	int fd;
	char *va = test_memory(8 * M, &fd);

	(void)state;
	holder_start(&h);
	assert_int_equal(fido_region_import(h.a, va, 8 * M, 2 * M, &mem), 0);
	assert_int_equal(fido_region_export(mem, 0, 8 * M, fd, 0), 0);
	gaddr = send(&h, va + 2 * M + 4096, 7);
	/*
	 * What is not being read goes at once; the rest can no longer be sent, and is not exported
	 * again.
	 */
	assert_int_equal(fido_region_withdraw(mem, 4 * M, 4 * M, TEST_LIMIT_MS), 0);
	assert_int_equal(fido_region_withdraw(mem, 0, 4 * M, 50), -ETIMEDOUT);
	assert_true(b_reads(&h, 0, 7));
	assert_int_equal(test_reach(fido_link_txq(h.link, 0), va, 64, &(uint64_t){0}),
		FIDO_REACH_NONE);
	assert_int_equal(fido_region_export(mem, 0, 2 * M, fd, 0), -EBUSY);
	/* An unreaped completion counts as a reader too. */
	assert_int_equal(test_ask_number(&h.b, "complete 0"), 0);
	assert_int_equal(fido_region_withdraw(mem, 0, 4 * M, TEST_LIMIT_MS), 0);
	assert_false(b_has_mapped(&h, gaddr));
	assert_int_equal(fido_region_export(mem, 0, 2 * M, fd, 0), 0);
	test_take(fido_link_txq(h.link, 0));
	fido_region_destroy(mem);
	holder_end(&h);
}

static void
left(void **state)
{
	struct holder h;

	(void)state;
	holder_start(&h);
	send(&h, test_buf(test_arena(h.a, 2 * M), 3), 7);
	fido_link_destroy(h.link);
	fido_domain_leave(h.a);
	for (int i = 0; i < 20; i++) {
		assert_true(b_reads(&h, 0, 7));
		usleep(20000);
	}
	assert_int_equal(test_ask_number(&h.b, "complete 0"), 0);
	TEST_WAIT(test_ask_number(&h.b, "peers") == 0);
	test_end(&h.b);
	test_rundir_empty();
}

TEST_MAIN(cmocka_unit_test(destroyed), cmocka_unit_test(destroyed_with_link),
	cmocka_unit_test(withdrawn), cmocka_unit_test(left))
