/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Direct I/O copies only unaligned addresses or lengths, once, and counts it; buffered I/O never
 * copies.
 */
#include "blk_store_test.h"

#define LEN 32768u

static struct store_test t;

/* Write the pieces, LEN bytes in all, and check the result. @return copies made */
static uint64_t
copies(const struct iovec *iov, uint32_t n)
{
	static struct store_io r;
	uint8_t *expected = malloc(LEN), *got = malloc(LEN);
	uint64_t before = t.store->copied;
	size_t at = 0;

	for (uint32_t i = 0; i < n; i++) {
		memcpy(expected + at, iov[i].iov_base, iov[i].iov_len);
		at += iov[i].iov_len;
	}
	assert_int_equal(at, LEN);
	store_io_init(&r, &t, FIDO_BLK_WRITE, 4096, NULL, LEN);
	memcpy(r.iov, iov, n * sizeof(*iov));
	r.io.iovcnt = n;
	assert_int_equal(store_io_run(&r), 0);
	assert_int_equal(store_read(&t, 4096, got, LEN), 0);
	assert_memory_equal(got, expected, LEN);
	assert_int_equal(store_op(&t, FIDO_BLK_WRITE_ZEROES, 0, 65536), 0);
	assert_int_equal(blk_buffers_used(t.buffers), 0);
	free(expected);
	free(got);
	return t.store->copied - before;
}

static void
run(const char *options, uint64_t odd)
{
	uint8_t *p = store_memory(2 * LEN, 5);
	const struct iovec whole[] = {{p, LEN}},
			   parts[] = {{p + LEN, 4096}, {p, 16384}, {p + 20480, LEN - 20480}},
			   shifted[] = {{p + 1, LEN}},
			   last[] = {{p, LEN - 4096}, {p + LEN + 3, 4096}},
			   lengths[] = {{p, 100}, {p + 4096, LEN - 100}};
	struct iovec many[FIDO_BLK_SEGMENTS_MAX];

	for (size_t i = 0; i < FIDO_BLK_SEGMENTS_MAX; i++)
		many[i] = (struct iovec){p + i * 128 + i % 3, LEN / FIDO_BLK_SEGMENTS_MAX};
	store_test_start(&t);
	store_test_file("f", 1 << 20, 0);
	if (store_test_try(&t, false, "file:%s%s", store_test_path("f"), options) != 0) {
		unlink(store_test_path("f"));
		TEST_SKIP("%s", fido_last_error());
	}
	t.channel = store_test_channel(&t);
	assert_int_equal(copies(whole, 1), 0);
	assert_int_equal(copies(parts, 3), 0);
	assert_int_equal(copies(shifted, 1), odd);
	assert_int_equal(copies(last, 2), odd);
	assert_int_equal(copies(lengths, 2), odd);
	assert_int_equal(copies(many, FIDO_BLK_SEGMENTS_MAX), odd);
	store_test_close(&t);
	unlink(store_test_path("f"));
	store_test_end(&t);
	free(p);
}

static void
buffered(void **state)
{
	run("", 0);
}

static void
direct(void **state)
{
	run(",direct=on", 1);
}

TEST_MAIN(cmocka_unit_test(buffered), cmocka_unit_test(direct))
