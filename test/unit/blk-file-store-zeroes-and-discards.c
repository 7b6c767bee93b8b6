/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Ranges are zeroed, also large ones and without help of the file system; a discard harms no
 * neighbour.
 */
#include "blk_store_test.h"

#include <sys/stat.h>

#include "store_file.h"

#define SIZE (4u << 20)

static struct store_test t;

static void
zero(uint64_t offset, uint64_t len, bool fua)
{
	static struct store_io r;
	uint8_t *p = store_memory(SIZE, 3), *got = store_memory(SIZE, 4);

	for (size_t at = 0; at < SIZE; at += 1 << 20)
		assert_int_equal(store_write(&t, at, p + at, 1 << 20), 0);
	store_io_init(&r, &t, FIDO_BLK_WRITE_ZEROES, offset, NULL, len);
	r.io.fua = fua;
	assert_int_equal(store_io_run(&r), 0);
	for (size_t at = 0; at < SIZE; at += 1 << 20)
		assert_int_equal(store_read(&t, at, got + at, 1 << 20), 0);
	memset(p + offset, 0, len);
	assert_memory_equal(got, p, SIZE);
	free(p);
	free(got);
}

static void
ranges(const char *name, const char *options, uint32_t at_least)
{
	struct blk_file *f;

	if (store_test_try(&t, false, "file:%s%s", store_test_path(name), options) != 0) {
		printf("not tested: %s\n", fido_last_error());
		return;
	}
	t.channel = store_test_channel(&t);
	f = (struct blk_file *)t.store;
	for (f->zero = at_least; f->zero <= BLK_FILE_ZERO_WRITE; f->zero++) {
		uint32_t block = t.store->info.block_size;

		zero(block, block, false);
		zero(65536, 65536, true);
		zero(3 * block, (1 << 20) + 4096 * 5 + block, false);
		zero(0, SIZE, true);
	}
	store_test_close(&t);
}

static void
on_disk(void **state)
{
	store_test_start(&t);
	store_test_file("f", SIZE, 0);
	ranges("f", "", BLK_FILE_ZERO_RANGE);
	ranges("f", ",direct=on", BLK_FILE_ZERO_RANGE);
	unlink(store_test_path("f"));
	store_test_end(&t);
}

static void
discard(void **state)
{
	uint8_t *p = store_memory(65536, 3);
	struct stat before, after;

	store_test_start(&t);
	store_test_file("f", SIZE, 1);
	store_test_open(&t, "file:%s", store_test_path("f"));
	if (t.store->info.features & FIDO_BLK_CAN_DISCARD) {
		assert_int_equal(store_write(&t, 0, p, 65536), 0);
		assert_int_equal(store_write(&t, SIZE - 65536, p, 65536), 0);
		assert_int_equal(store_op(&t, FIDO_BLK_FLUSH, 0, 0), 0);
		assert_int_equal(stat(store_test_path("f"), &before), 0);
		assert_int_equal(store_op(&t, FIDO_BLK_DISCARD, 65536, SIZE - 2 * 65536), 0);
		assert_int_equal(stat(store_test_path("f"), &after), 0);
		assert_int_equal(after.st_size, SIZE);
		assert_true(after.st_blocks < before.st_blocks / 2);
		store_reads(&t, 0, 65536, 3);
		store_reads(&t, SIZE - 65536, 65536, 3);
	}
	store_test_close(&t);
	unlink(store_test_path("f"));
	store_test_end(&t);
	free(p);
}

/* tmpfs can punch holes but not zero ranges. The first request detects that, later ones know it. */
static void
without_zero_range(void **state)
{
	store_test_tmpfs("small", 2 * SIZE);
	store_test_start(&t);
	store_test_file("small/f", SIZE, 0);
	store_test_open(&t, "file:%s", store_test_path("small/f"));
	zero(4096, 65536, true);
	assert_int_equal(((struct blk_file *)t.store)->zero, BLK_FILE_ZERO_PUNCH);
	zero(0, SIZE, false);
	store_test_close(&t);
	store_test_tmpfs_end("small");
	store_test_end(&t);
}

TEST_MAIN(cmocka_unit_test(on_disk), cmocka_unit_test(discard),
	cmocka_unit_test(without_zero_range))
