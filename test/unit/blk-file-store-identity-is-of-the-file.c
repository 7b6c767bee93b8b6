/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A file keeps its identity across opens; another file, size or re-created file has a different
 * one.
 */
#include "blk_store_test.h"

static struct store_test t;

static uint64_t
identity(const char *name, bool read_only)
{
	uint64_t i;

	assert_int_equal(store_test_try(&t, read_only, "file:%s", store_test_path(name)), 0);
	i = t.store->info.identity;
	assert_int_not_equal(i, 0);
	store_test_close(&t);
	return i;
}

static void
identities(void **state)
{
	uint64_t f, g;
	uint8_t block[512] = {1};

	store_test_start(&t);
	store_test_file("f", 1 << 20, 1);
	store_test_file("g", 1 << 20, 1);
	f = identity("f", false);
	g = identity("g", false);
	assert_int_not_equal(f, g);
	assert_int_equal(identity("f", true), f);
	store_test_open(&t, "file:%s", store_test_path("f"));
	assert_int_equal(store_write(&t, 0, block, 512), 0);
	store_test_close(&t);
	assert_int_equal(identity("f", false), f);
	assert_int_equal(rename(store_test_path("f"), store_test_path("h")), 0);
	assert_int_equal(identity("h", false), f);
	assert_int_equal(truncate(store_test_path("h"), 2 << 20), 0);
	assert_int_not_equal(identity("h", false), f);
	assert_int_equal(truncate(store_test_path("h"), 1 << 20), 0);
	assert_int_equal(identity("h", false), f);
	/* Most file systems reuse the inode number at once. */
	unlink(store_test_path("g"));
	store_test_file("g", 1 << 20, 1);
	assert_int_not_equal(identity("g", false), g);
	unlink(store_test_path("g"));
	unlink(store_test_path("h"));
	store_test_end(&t);
}

TEST_MAIN_ONE(identities)
