/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Addresses below or above the layout, or that wrap round 2^64, are refused, whatever the length.
 */
#include "test.h"

#define BASE TEST_QUEUE_BASE

static const uint32_t lengths[] = {0, 1, 2, 4096, UINT32_MAX - 1, UINT32_MAX};

static void
refused_with_any_length(const struct fido_map *map, uint64_t gaddr)
{
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++)
		assert_null(fido_map_ptr(map, gaddr, lengths[i]));
}

static void
outside(void **state)
{
	uint8_t granules[64];
	const struct fido_map map = {BASE, 64, granules};
	const uint64_t top = BASE + 64 * FIDO_GRANULE_SIZE;
	const uint64_t bad[] = {0, 1, BASE - 1, BASE - FIDO_GRANULE_SIZE, BASE - UINT32_MAX, top,
		top + 1, FIDO_GADDR_MASK, UINT64_C(1) << 48, UINT64_MAX, UINT64_MAX - UINT32_MAX,
		BASE | UINT64_C(1) << 48, BASE | UINT64_C(1) << 63};

	memset(granules, 1, sizeof(granules));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		refused_with_any_length(&map, bad[i]);
	assert_null(fido_map_ptr(&map, top - 1, 2));
	assert_null(fido_map_ptr(&map, top - 1, UINT32_MAX));
	assert_non_null(fido_map_ptr(&map, top - 1, 1));
}

/* Random addresses near every border, compared with the rule itself. */
static void
same_as_the_rule(void **state)
{
	uint8_t granules[64];
	const struct fido_map map = {BASE, 64, granules};
	uint64_t seed = 1;

	for (int i = 0; i < 64; i++)
		granules[i] = i == 0 || (i > 7 && i / 8 % 2 == 1);
	for (int i = 0; i < 200000; i++) {
		uint64_t r = test_random(&seed);
		uint64_t gaddr = BASE + (r % 80) * FIDO_GRANULE_SIZE - 4 * FIDO_GRANULE_SIZE +
			(r >> 32) % 5 - 2;
		uint32_t len = (uint32_t)(test_random(&seed) % (3 * FIDO_GRANULE_SIZE));
		bool ok = gaddr >= BASE && gaddr + (len ? len : 1) <= BASE + 64 * FIDO_GRANULE_SIZE;

		for (uint64_t a = gaddr; ok && a < gaddr + (len ? len : 1);
			a = (a | (FIDO_GRANULE_SIZE - 1)) + 1)
			ok = granules[(a - BASE) >> FIDO_GRANULE_SHIFT] != 0;
		assert_int_equal(fido_map_ptr(&map, gaddr, len) != NULL, ok);
	}
}

TEST_MAIN(cmocka_unit_test(outside), cmocka_unit_test(same_as_the_rule))
