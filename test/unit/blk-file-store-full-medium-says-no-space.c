/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A write to a full medium fails with ENOSPC, even if part of it fits, and damages no older data.
 */
#include "blk_store_test.h"

#define M (1u << 20)

static void
full(void **state)
{
	uint8_t *p = store_memory(M, 3);
	struct store_test t;
	unsigned int n = 0;
	int ret;

	store_test_tmpfs("small", 2 * M + M / 2);
	store_test_start(&t);
	store_test_open(&t, "file:%s,create=16M", store_test_path("small/f"));
	while ((ret = store_write(&t, (uint64_t)n * M, p, M)) == 0 && n < 16)
		n++;
	assert_int_equal(ret, -ENOSPC);
	assert_int_equal(n, 2);
	assert_int_equal(store_op(&t, FIDO_BLK_FLUSH, 0, 0), 0);
	store_reads(&t, 0, M, 3);
	store_reads(&t, M, M, 3);
	store_reads(&t, 8 * M, M, 0);
	/* Released space can be used again. */
	assert_int_equal(store_op(&t, FIDO_BLK_DISCARD, 0, 16 * M), 0);
	assert_int_equal(store_write(&t, 8 * M, p, M), 0);
	store_reads(&t, 8 * M, M, 3);
	store_test_close(&t);
	store_test_tmpfs_end("small");
	store_test_end(&t);
	free(p);
}

TEST_MAIN_ONE(full)
