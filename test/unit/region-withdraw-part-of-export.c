/* SPDX-License-Identifier: BSD-3-Clause */
/* Any part of pages exported in one piece can be withdrawn, and exported again. */
#include "test.h"

#define M (UINT64_C(1) << 20)

/*
 * Wait until b maps granule i if bit i of `mapped` is set, and no other; check the mapped content.
 */
static void
check(struct test_pair *p, const struct fido_region *r, unsigned int mapped)
{
	const struct fido_map *map = fido_domain_map(p->b);

	for (unsigned int i = 0; i < 8; i++) {
		uint64_t gaddr = r->gaddr + i * 2 * M;
		bool want = mapped >> i & 1;

		TEST_WAIT((fido_map_ptr(map, gaddr, (uint32_t)(2 * M)) != NULL) == want);
		assert_int_equal(*(const volatile uint8_t *)(uintptr_t)(gaddr + M),
			want ? i + 1 : 0);
	}
}

static void
parts(void **state)
{
	struct fido_region *r;
	struct test_pair p;
	uint64_t gaddr;
	int fd;
	char *va = test_memory(16 * M, &fd);

	for (int i = 0; i < 8; i++)
		memset(va + (uint64_t)i * 2 * M, i + 1, 2 * M);
	test_pair_start(&p, 64);
	assert_int_equal(fido_region_import(p.a, va, 16 * M, 2 * M, &r), 0);
	assert_int_equal(fido_region_export(r, 0, 16 * M, fd, 0), 0);
	check(&p, r, 0xff);
	assert_int_equal(fido_region_withdraw(r, 6 * M, 4 * M, TEST_LIMIT_MS), 0); /* the middle */
	check(&p, r, 0xe7);
	assert_int_equal(fido_region_withdraw(r, 0, 2 * M, TEST_LIMIT_MS), 0); /* the front */
	check(&p, r, 0xe6);
	assert_int_equal(fido_region_withdraw(r, 14 * M, 2 * M, TEST_LIMIT_MS), 0); /* the end */
	check(&p, r, 0x66);
	assert_int_equal(fido_region_export(r, 6 * M, 2 * M, fd, 6 * M), 0);
	check(&p, r, 0x6e);
	assert_int_equal(fido_region_withdraw(r, 4 * M, 8 * M, TEST_LIMIT_MS),
		0); /* over several pieces */
	check(&p, r, 0x42);
	assert_int_equal(fido_region_export(r, 4 * M, 8 * M, fd, 4 * M), 0);
	check(&p, r, 0x7e);
	gaddr = r->gaddr;
	fido_region_destroy(r);
	/* A busy peer unmaps it later. */
	for (uint64_t i = 0; i < 8; i++)
		TEST_WAIT(fido_map_ptr(fido_domain_map(p.b), gaddr + i * 2 * M, 1) == NULL);
	test_pair_end(&p);
}

TEST_MAIN_ONE(parts)
