/* SPDX-License-Identifier: BSD-3-Clause */
/* Writes that need a copy go on while readers hold all buffers; none is lost. */
#include "blk_store_test.h"

#define WRITES 50
#define LEN 16384u

static void
without_buffers(void **state)
{
	struct store_io *r = calloc(WRITES, sizeof(*r));
	uint8_t *p = store_memory(LEN * (WRITES + 1), 6);
	void *kept[8];
	struct store_test t;

	store_test_start(&t);
	store_test_file("f", LEN * WRITES, 0);
	if (store_test_try(&t, false, "file:%s,direct=on", store_test_path("f")) != 0) {
		unlink(store_test_path("f"));
		TEST_SKIP("%s", fido_last_error());
	}
	t.channel = store_test_channel(&t);
	for (size_t i = 0; i < 8; i++)
		assert_non_null(kept[i] = blk_buffers_alloc(t.buffers, BLK_BUFFER_MAX));
	assert_null(blk_buffers_alloc(t.buffers, 1));
	for (size_t i = 0; i < WRITES; i++) {
		store_io_init(&r[i], &t, FIDO_BLK_WRITE, i * LEN, p + i * LEN + 1, LEN);
		store_io_submit(&r[i]);
	}
	for (size_t i = 0; i < WRITES; i++)
		assert_int_equal(store_io_wait(&r[i]), 0);
	assert_int_equal(t.store->copied, WRITES);
	for (size_t i = 0; i < 8; i++)
		blk_buffers_free(t.buffers, kept[i]);
	for (size_t i = 0; i < WRITES; i++) {
		uint8_t *got = malloc(LEN);

		assert_int_equal(store_read(&t, i * LEN, got, LEN), 0);
		assert_memory_equal(got, p + i * LEN + 1, LEN);
		free(got);
	}
	store_test_close(&t);
	unlink(store_test_path("f"));
	store_test_end(&t);
	free(p);
	free(r);
}

TEST_MAIN_ONE(without_buffers)
