/* SPDX-License-Identifier: BSD-3-Clause */
/* An address yields a pointer exactly up to the last byte of the mapped granules. */
#include "test.h"

#define BASE TEST_QUEUE_BASE
#define G FIDO_GRANULE_SIZE

static void
borders(void **state)
{
	uint8_t granules[64] = {[3] = 1};
	struct fido_map map = {BASE, 64, granules};
	const uint64_t first = BASE + 3 * G, last = BASE + 4 * G - 1;

	assert_ptr_equal(fido_map_ptr(&map, first, 1), (void *)first);
	assert_ptr_equal(fido_map_ptr(&map, last, 1), (void *)last);
	assert_ptr_equal(fido_map_ptr(&map, first, G), (void *)first);
	assert_ptr_equal(fido_map_ptr(&map, first + 5, G - 5), (void *)(first + 5));
	assert_null(fido_map_ptr(&map, first, G + 1));
	assert_null(fido_map_ptr(&map, first - 1, 1));
	assert_null(fido_map_ptr(&map, first - 1, 2));
	assert_null(fido_map_ptr(&map, last + 1, 1));
	assert_null(fido_map_ptr(&map, last, 2));
}

TEST_MAIN_ONE(borders)
