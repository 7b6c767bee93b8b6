/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A region too large for the slot, or one too many, is refused with a message; others are not
 * harmed.
 */
#include "test.h"

#define M (UINT64_C(1) << 20)

static struct fido_domain *
join_small(void)
{
	struct fido_domain_config config = test_config("a");
	struct fido_domain *d = NULL;

	config.layout.slot_shift = 24;
	config.control_size = 1; /* 2 of the slot's 16 MiB */
	assert_int_equal(fido_domain_join(&d, &config), 0);
	return d;
}

static void
arenas(void **state)
{
	struct fido_domain *d = join_small();
	struct fido_region *r[3], *more = NULL;

	r[0] = test_arena(d, 6 * M);
	r[1] = test_arena(d, 6 * M);
	assert_int_equal(fido_arena_create(d, 4 * M, &more), -ENOSPC);
	test_message_has("domain a", "no room", "4194304", "slot", NULL);
	r[2] = test_arena(d, 2 * M);
	assert_int_equal(fido_arena_create(d, 1, &more), -ENOSPC);
	memset((void *)r[0]->va, 1, r[0]->len);
	memset((void *)r[1]->va, 2, r[1]->len);
	memset((void *)r[2]->va, 3, r[2]->len);
	fido_region_destroy(r[1]);
	assert_int_equal(fido_arena_create(d, 7 * M, &more), -ENOSPC);
	r[1] = test_arena(d, 6 * M);
	assert_int_equal(*(char *)r[1]->va, 0);
	assert_int_equal(*(char *)(r[0]->va + r[0]->len - 1), 1);
	assert_int_equal(*(char *)r[2]->va, 3);
	fido_domain_leave(d);
	test_rundir_empty();
}

static void
too_long(void **state)
{
	static const size_t lengths[] = {15 * M, 16 * M, 17 * M, UINT64_C(1) << 40,
		SIZE_MAX - FIDO_GRANULE_SIZE, SIZE_MAX - 1, SIZE_MAX};
	struct fido_domain *d = join_small();
	struct fido_region *r = NULL;
	static char anywhere[1];

	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		assert_int_equal(fido_arena_create(d, lengths[i], &r), -ENOSPC);
		assert_int_equal(fido_region_import(d, anywhere, lengths[i], 4096, &r), -ENOSPC);
		test_message_has("no room", NULL);
	}
	assert_int_equal(fido_region_import(d, anywhere, 4096, (size_t)1 << 63, &r), -ENOSPC);
	assert_null(r);
	assert_int_equal(fido_region_import(d, anywhere, 14 * M, 4096, &r), 0);
	fido_domain_leave(d);
}

static void
too_many(void **state)
{
	struct fido_domain *d = test_join("a");
	struct fido_region *r = NULL, *last = NULL;
	unsigned int n = 0;

	while (fido_arena_create(d, 1, &r) == 0 && n++ <= FIDO_REGIONS_MAX)
		last = r;
	assert_true(n >= FIDO_REGIONS_MAX - 2 && n <= FIDO_REGIONS_MAX);
	test_message_has("domain a", "regions", NULL);
	fido_region_destroy(last);
	assert_int_equal(fido_arena_create(d, 1, &r), 0);
	fido_domain_leave(d);
}

TEST_MAIN(cmocka_unit_test(arenas), cmocka_unit_test(too_long), cmocka_unit_test(too_many))
