/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Withdrawing pages waits until every peer has unmapped them; a hung peer is reported.
 *
 * The pages then read as zeros.
 */
#include "test.h"

#define M (UINT64_C(1) << 20)

static void
withdraw(void **state)
{
	struct fido_domain *a = test_join("a");
	struct fido_region *r;
	struct test_remote b, c;
	int fd;
	char *va = test_memory(8 * M, &fd);

	memset(va, 7, 8 * M);
	assert_int_equal(fido_region_import(a, va, 8 * M, 2 * M, &r), 0);
	for (uint64_t i = 0; i < 4; i++)
		assert_int_equal(fido_region_export(r, i * 2 * M, 2 * M, fd, i * 2 * M), 0);
	test_spawn(&b);
	test_spawn(&c);
	assert_int_equal(test_ask_number(&b, "join b"), 0);
	assert_int_equal(test_ask_number(&c, "join c"), 0);
	for (uint64_t i = 0; i < 4; i++)
		TEST_WAIT(test_ask_number(&b, "mapped 0x%lx", r->gaddr + i * 2 * M) == 1 &&
			test_ask_number(&c, "mapped 0x%lx", r->gaddr + i * 2 * M) == 1);
	/* Both answer: when it returns they have unmapped it. */
	assert_int_equal(fido_region_withdraw(r, 2 * M, 2 * M, TEST_LIMIT_MS), 0);
	assert_int_equal(test_ask_number(&b, "mapped 0x%lx", r->gaddr + 2 * M), 0);
	assert_int_equal(test_ask_number(&c, "mapped 0x%lx", r->gaddr + 2 * M), 0);
	assert_int_equal(test_ask_number(&b, "mapped 0x%lx", r->gaddr), 1);
	assert_int_equal(test_ask_number(&b, "read 0x%lx", r->gaddr + 4 * M), 7);
	assert_int_equal(test_ask_number(&b, "read 0x%lx", r->gaddr + 2 * M),
		0); /* zeros, not a fault */
	/* One hangs. */
	test_stop(&b);
	assert_int_equal(fido_region_withdraw(r, 4 * M, 2 * M, 100), -ETIMEDOUT);
	assert_int_equal(test_ask_number(&c, "mapped 0x%lx", r->gaddr + 4 * M), 0);
	test_continue(&b);
	assert_int_equal(fido_region_withdraw(r, 4 * M, 2 * M, TEST_LIMIT_MS), 0);
	assert_int_equal(test_ask_number(&b, "mapped 0x%lx", r->gaddr + 4 * M), 0);
	/* One dies in between: it maps nothing any more. */
	test_stop(&b);
	assert_int_equal(fido_region_withdraw(r, 0, 2 * M, 0), -ETIMEDOUT);
	test_kill(&b);
	assert_int_equal(fido_region_withdraw(r, 0, 2 * M, TEST_LIMIT_MS), 0);
	fido_region_destroy(r);
	test_end(&c);
	fido_domain_leave(a);
	test_rundir_empty();
}

TEST_MAIN_ONE(withdraw)
