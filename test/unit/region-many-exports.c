/* SPDX-License-Identifier: BSD-3-Clause */
/* A peer maps any number of separately exported pages, from before it joined or while it hung. */
#include "test.h"

#define COUNT 150u

static void
mapped_all(struct test_remote *b, const struct fido_region *r, unsigned int count)
{
	for (unsigned int i = 0; i < count; i++) {
		unsigned long gaddr = r->gaddr + i * FIDO_GRANULE_SIZE;

		TEST_WAIT(test_ask_number(b, "mapped 0x%lx", gaddr) == 1);
		assert_int_equal(test_ask_number(b, "read 0x%lx", gaddr), i % 251 + 1);
	}
	assert_int_equal(test_ask_number(b, "mapped 0x%lx", r->gaddr + count * FIDO_GRANULE_SIZE),
		0);
}

static void
many(void **state)
{
	struct fido_domain *a = test_join("a");
	struct fido_region *r;
	struct test_remote b;
	unsigned long gaddr;
	int fd;
	char *va = test_memory(2 * COUNT * FIDO_GRANULE_SIZE, &fd);

	for (unsigned int i = 0; i < 2 * COUNT; i++)
		va[i * FIDO_GRANULE_SIZE] = (char)(i % 251 + 1);
	assert_int_equal(fido_region_import(a, va, 2 * COUNT * FIDO_GRANULE_SIZE, FIDO_GRANULE_SIZE,
				 &r),
		0);
	for (uint64_t i = 0; i < COUNT; i++)
		assert_int_equal(fido_region_export(r, i * FIDO_GRANULE_SIZE, FIDO_GRANULE_SIZE, fd,
					 i * FIDO_GRANULE_SIZE),
			0);
	test_spawn(&b);
	assert_int_equal(test_ask_number(&b, "join b"), 0);
	mapped_all(&b, r, COUNT);
	test_stop(&b);
	for (uint64_t i = COUNT; i < 2 * COUNT; i++)
		assert_int_equal(fido_region_export(r, i * FIDO_GRANULE_SIZE, FIDO_GRANULE_SIZE, fd,
					 i * FIDO_GRANULE_SIZE),
			0);
	test_continue(&b);
	mapped_all(&b, r, 2 * COUNT);
	gaddr = r->gaddr;
	fido_region_destroy(r);
	/* A busy peer unmaps it later. */
	for (unsigned int i = 0; i < 2 * COUNT; i++)
		TEST_WAIT(test_ask_number(&b, "mapped 0x%lx", gaddr + i * FIDO_GRANULE_SIZE) == 0);
	test_end(&b);
	fido_domain_leave(a);
	test_rundir_empty();
}

TEST_MAIN_ONE(many)
