/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A range over several granules is refused if any one of them, first, middle or last, is unmapped.
 */
#include "test.h"

#define BASE TEST_QUEUE_BASE
#define G FIDO_GRANULE_SIZE

static void
two_granules(void **state)
{
	uint8_t granules[64] = {[1] = 1};
	struct fido_map map = {BASE, 64, granules};

	assert_null(fido_map_ptr(&map, BASE + 2 * G - 1, 2)); /* the second is missing */
	assert_null(fido_map_ptr(&map, BASE + G - 1, 2));     /* the first is missing */
	granules[2] = 1;
	assert_ptr_equal(fido_map_ptr(&map, BASE + 2 * G - 1, 2), (void *)(BASE + 2 * G - 1));
}

static void
middle_is_missing(void **state)
{
	uint8_t granules[128];
	struct fido_map map = {BASE, 128, granules};

	memset(granules, 1, sizeof(granules));
	assert_non_null(fido_map_ptr(&map, BASE, (uint32_t)(128 * G)));
	for (int missing = 0; missing < 128; missing++) {
		granules[missing] = 0;
		assert_null(fido_map_ptr(&map, BASE, (uint32_t)(128 * G)));
		granules[missing] = 1;
	}
}

static void
four_gib(void **state)
{
	static uint8_t granules[4096]; /* 8 GiB */
	struct fido_map map = {BASE, 4096, granules};

	memset(granules, 1, sizeof(granules));
	assert_non_null(fido_map_ptr(&map, BASE, UINT32_MAX));
	assert_non_null(fido_map_ptr(&map, BASE + 4096 * G - UINT32_MAX, UINT32_MAX));
	assert_null(fido_map_ptr(&map, BASE + 4096 * G - UINT32_MAX + 1, UINT32_MAX));
	granules[2047] = 0; /* the last that [BASE, BASE + 4 GiB) touches */
	assert_null(fido_map_ptr(&map, BASE, UINT32_MAX));
}

TEST_MAIN(cmocka_unit_test(two_granules), cmocka_unit_test(middle_is_missing),
	cmocka_unit_test(four_gib))
