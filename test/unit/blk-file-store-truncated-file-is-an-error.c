/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Reads beyond the end of a truncated file fail with EIO instead of returning zeros.
 *
 * The rest of the file can still be read.
 */
#include "blk_store_test.h"

#define SIZE (1u << 20)

static void
truncated(const char *options)
{
	struct store_test t;
	uint8_t *p = malloc(SIZE);

	store_test_start(&t);
	store_test_file("f", SIZE, 7);
	if (store_test_try(&t, false, "file:%s%s", store_test_path("f"), options) != 0) {
		unlink(store_test_path("f"));
		TEST_SKIP("%s", fido_last_error());
	}
	t.channel = store_test_channel(&t);
	assert_int_equal(truncate(store_test_path("f"), SIZE / 2 + 100), 0);
	store_reads(&t, 0, SIZE / 2, 7);
	assert_int_equal(store_read(&t, SIZE - 4096, p, 4096), -EIO);
	assert_int_equal(store_read(&t, 0, p, SIZE), -EIO);
	assert_int_equal(store_read(&t, SIZE / 2, p, 4096), -EIO);
	assert_int_equal(truncate(store_test_path("f"), SIZE), 0);
	store_reads(&t, SIZE / 2 + 4096, SIZE / 2 - 4096, 0);
	store_test_close(&t);
	unlink(store_test_path("f"));
	store_test_end(&t);
	free(p);
}

static void
buffered(void **state)
{
	truncated("");
}

static void
direct(void **state)
{
	truncated(",direct=on");
}

TEST_MAIN(cmocka_unit_test(buffered), cmocka_unit_test(direct))
