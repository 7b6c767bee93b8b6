/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A sender knows of each address whether its peer can read it.
 *
 * Own and exported, another domain's and mapped, or neither.
 */
#include "test.h"

#define M (UINT64_C(1) << 20)

static void
imported(void **state)
{
	struct fido_region *r;
	struct test_pair p;
	struct fido_txq *q;
	uint64_t gaddr;
	int fd, on_stack = 0;
	char *va = test_memory(16 * M, &fd);

	test_pair_start(&p, 64);
	q = fido_link_txq(p.ab, 0);
	assert_int_equal(fido_region_import(p.a, va, 16 * M, 2 * M, &r), 0);
	assert_int_equal(test_reach(q, va, 1, &gaddr), FIDO_REACH_NONE);
	assert_int_equal(fido_region_export(r, 4 * M, 4 * M, fd, 4 * M), 0);
	TEST_WAIT(test_reach(q, va + 4 * M, 1, &gaddr) == FIDO_REACH_OWN);
	assert_int_equal(gaddr, r->gaddr + 4 * M);
	assert_int_equal(test_reach(q, va + 8 * M - 1, 1, &gaddr), FIDO_REACH_OWN);
	assert_int_equal(gaddr, r->gaddr + 8 * M - 1);
	assert_int_equal(test_reach(q, va + 4 * M, (uint32_t)(4 * M), &gaddr), FIDO_REACH_OWN);
	assert_int_equal(test_reach(q, va + 4 * M, 0, &gaddr), FIDO_REACH_OWN);
	/* Not, or not wholly, exported. */
	assert_int_equal(test_reach(q, va + 4 * M - 1, 1, &gaddr), FIDO_REACH_NONE);
	assert_int_equal(test_reach(q, va + 4 * M - 1, 2, &gaddr), FIDO_REACH_NONE);
	assert_int_equal(test_reach(q, va + 8 * M, 1, &gaddr), FIDO_REACH_NONE);
	assert_int_equal(test_reach(q, va + 8 * M - 1, 2, &gaddr), FIDO_REACH_NONE);
	assert_int_equal(test_reach(q, va + 4 * M, UINT32_MAX, &gaddr), FIDO_REACH_NONE);
	/* No region. */
	assert_int_equal(test_reach(q, va - 1, 1, &gaddr), FIDO_REACH_NONE);
	assert_int_equal(test_reach(q, va + 16 * M, 1, &gaddr), FIDO_REACH_NONE);
	assert_int_equal(test_reach(q, va + 16 * M - 1, 2, &gaddr), FIDO_REACH_NONE);
	assert_int_equal(test_reach(q, &on_stack, sizeof(on_stack), &gaddr), FIDO_REACH_NONE);
	assert_int_equal(test_reach(q, NULL, 1, &gaddr), FIDO_REACH_NONE);
	/* Withdrawn, and exported again. */
	assert_int_equal(fido_region_withdraw(r, 4 * M, 2 * M, TEST_LIMIT_MS), 0);
	assert_int_equal(test_reach(q, va + 4 * M, 1, &gaddr), FIDO_REACH_NONE);
	assert_int_equal(fido_region_export(r, 4 * M, 2 * M, fd, 4 * M), 0);
	TEST_WAIT(test_reach(q, va + 4 * M, 1, &gaddr) == FIDO_REACH_OWN);
	fido_region_destroy(r);
	assert_int_equal(test_reach(q, va + 6 * M, 1, &gaddr), FIDO_REACH_NONE);
	test_pair_end(&p);
}

static void
arena(void **state)
{
	struct test_pair p;
	struct fido_txq *q;
	uint64_t gaddr = 0;
	char *va;

	test_pair_start(&p, 64);
	q = fido_link_txq(p.ab, 0);
	va = (char *)p.mem->va;
	TEST_WAIT(test_reach(q, va, 1, &gaddr) != FIDO_REACH_NONE);
	assert_int_equal(test_reach(q, va + 100, 4000, &gaddr), FIDO_REACH_OWN);
	assert_int_equal(gaddr, p.mem->gaddr + 100);
	assert_int_equal(test_reach(q, va + p.mem->len - 1, 1, &gaddr), FIDO_REACH_OWN);
	/* In the domain's own slot, but never exported. */
	assert_int_equal(test_reach(q, va + p.mem->len, 1, &gaddr), FIDO_REACH_NONE);
	assert_int_equal(test_reach(q, va + p.mem->len - 1, 2, &gaddr), FIDO_REACH_NONE);
	fido_region_destroy(p.mem);
	assert_int_equal(test_reach(q, va, 1, &gaddr), FIDO_REACH_NONE);
	test_pair_end(&p);
}

/* b's view of a's memory: b may send it back to a, and to c once c has mapped it. */
static void
foreign(void **state)
{
	struct fido_layout layout = TEST_LAYOUT;
	struct fido_domain *c = test_join("c");
	struct fido_link *bc, *cb;
	struct test_pair p;
	uint64_t gaddr = 0;

	test_pair_start(&p, 64);
	bc = test_link(p.b, "c", NULL, 1, 1, 64);
	cb = test_link(c, "b", NULL, 1, 1, 64);
	test_wait_up(bc, cb);
	TEST_WAIT(test_reach(fido_link_txq(p.ba, 0), test_buf(p.mem, 3), 10, &gaddr) ==
		FIDO_REACH_FOREIGN);
	assert_int_equal(gaddr, (uintptr_t)test_buf(p.mem, 3));
	TEST_WAIT(test_reach(fido_link_txq(bc, 0), test_buf(p.mem, 3), 10, &gaddr) ==
		FIDO_REACH_FOREIGN);
	assert_int_equal(gaddr, (uintptr_t)test_buf(p.mem, 3));
	/* An unused slot. */
	assert_int_equal(test_reach(fido_link_txq(bc, 0),
				 (void *)(uintptr_t)fido_layout_slot_base(&layout, 9), 1, &gaddr),
		FIDO_REACH_NONE);
	fido_link_destroy(bc);
	fido_link_destroy(cb);
	fido_domain_leave(c);
	test_pair_end(&p);
}

TEST_MAIN(cmocka_unit_test(imported), cmocka_unit_test(arena), cmocka_unit_test(foreign))
