/* SPDX-License-Identifier: BSD-3-Clause */
/* A length of 0 is checked like 1: the address itself must be mapped. */
#include "test.h"

#define BASE TEST_QUEUE_BASE

static void
zero_length(void **state)
{
	uint8_t granules[64] = {[0] = 1};
	struct fido_map map = {BASE, 64, granules};

	assert_ptr_equal(fido_map_ptr(&map, BASE, 0), (void *)BASE);
	assert_ptr_equal(fido_map_ptr(&map, BASE + FIDO_GRANULE_SIZE - 1, 0),
		(void *)(BASE + FIDO_GRANULE_SIZE - 1));
	assert_null(fido_map_ptr(&map, BASE + FIDO_GRANULE_SIZE, 0));
	assert_null(fido_map_ptr(&map, BASE - 1, 0));
}

TEST_MAIN_ONE(zero_length)
