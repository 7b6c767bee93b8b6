/* SPDX-License-Identifier: BSD-3-Clause */
/* Regions lie aligned in their slot without overlap, and the range of a destroyed one is reused. */
#include "test.h"

#define M (UINT64_C(1) << 20)
#define COUNT 40

static void
check_all(struct fido_domain *d, struct fido_region *const *r)
{
	const uint64_t base = fido_layout_slot_base(fido_domain_layout(d), fido_domain_slot(d));

	for (int i = 0; i < COUNT; i++) {
		if (r[i] == NULL)
			continue;
		assert_int_equal(r[i]->gaddr % FIDO_GRANULE_SIZE, 0);
		assert_true(r[i]->gaddr >= base + (8u << 20)); /* behind the control region */
		assert_true(r[i]->gaddr + r[i]->len <= base + (UINT64_C(1) << TEST_SLOT_SHIFT));
		for (int k = 0; k < i; k++)
			if (r[k] != NULL)
				assert_true(r[i]->gaddr >= r[k]->gaddr + r[k]->len ||
					r[k]->gaddr >= r[i]->gaddr + r[i]->len);
	}
}

static void
places(void **state)
{
	struct fido_domain *d = test_join("a");
	struct fido_region *r[COUNT] = {NULL};
	uint64_t seed = 11, highest = 0, after = 0;
	static char anywhere[1];

	for (int round = 0; round < 300; round++) {
		uint64_t x = test_random(&seed);
		int i = (int)(x % COUNT);

		fido_region_destroy(r[i]);
		r[i] = NULL;
		if (x & 0x1000) {
			r[i] = test_arena(d, 1 + (x >> 32) % (7 * M));
			assert_int_equal(r[i]->gaddr, r[i]->va);
		} else {
			size_t align = (size_t)1 << (20 + (x >> 16) % 8);

			assert_int_equal(fido_region_import(d, anywhere, 1 + (x >> 32) % (50 * M),
						 align, &r[i]),
				0);
			assert_int_equal(r[i]->gaddr % align, 0);
		}
		check_all(d, r);
		if (r[i]->gaddr > highest)
			highest = r[i]->gaddr;
		if (round == 100)
			after = highest;
	}
	assert_true(highest - TEST_BASE <= after - TEST_BASE + 512 * M); /* ranges are reused */
	fido_domain_leave(d);
	test_rundir_empty();
}

static void
bad_arguments(void **state)
{
	struct fido_domain *d = test_join("a");
	struct fido_region *r = NULL;
	static char anywhere[1];

	assert_int_equal(fido_region_import(d, anywhere, 0, 4096, &r), -EINVAL);
	assert_int_equal(fido_region_import(d, anywhere, 4096, 3 << 20, &r), -EINVAL);
	assert_int_equal(fido_arena_create(d, 0, &r), -EINVAL);
	assert_null(r);
	fido_region_destroy(NULL);
	fido_domain_leave(d);
}

TEST_MAIN(cmocka_unit_test(places), cmocka_unit_test(bad_arguments))
