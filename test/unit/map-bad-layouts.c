/* SPDX-License-Identifier: BSD-3-Clause */
/* An unusable layout is refused, and nothing is mapped. */
#include "test.h"

#include "map.h"

static void
bad_layouts(void **state)
{
	static const struct fido_layout bad[] = {
		{0, 32, 16},                            /* no base */
		{TEST_BASE + 4096, 32, 16},             /* base within a granule */
		{TEST_BASE, 32, 0}, {TEST_BASE, 32, 1}, /* too few slots */
		{TEST_BASE, 32, FIDO_SLOTS_MAX + 1}, {TEST_BASE, 32, UINT32_MAX},
		{TEST_BASE, 0, 16}, {TEST_BASE, 23, 16}, /* too small slots */
		{TEST_BASE, 43, 2}, {TEST_BASE, 63, 2}, {TEST_BASE, 64, 2}, {TEST_BASE, 200, 2},
		{TEST_BASE, UINT32_MAX, 2}, {UINT64_C(1) << 47, 32, 16}, /* not user space */
		{(UINT64_C(1) << 47) - FIDO_GRANULE_SIZE, 32, 16},
		{UINT64_MAX & ~(FIDO_GRANULE_SIZE - 1), 32, 16}, /* wraps */
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct fido_map map = {0};

		assert_int_equal(fido_map_init(&map, &bad[i]), -EINVAL);
		assert_null(map.granules);
		fido_map_fini(&map);
	}
}

static void
good_layouts(void **state)
{
	static const struct fido_layout good[] = {
		{FIDO_DEFAULT_BASE, FIDO_DEFAULT_SLOT_SHIFT, FIDO_DEFAULT_SLOTS},
		TEST_LAYOUT,
		{TEST_BASE, 24, 2},
		{(UINT64_C(1) << 47) - (UINT64_C(2) << 32), 32, 2},
	};

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		struct fido_map map;

		assert_int_equal(fido_map_init(&map, &good[i]), 0);
		assert_int_equal(map.granule_count << FIDO_GRANULE_SHIFT,
			(uint64_t)good[i].slots << good[i].slot_shift);
		assert_null(fido_map_ptr(&map, good[i].base, 1));
		fido_map_fini(&map);
	}
}

TEST_MAIN(cmocka_unit_test(bad_layouts), cmocka_unit_test(good_layouts))
