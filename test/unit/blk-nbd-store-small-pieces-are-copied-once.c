/* SPDX-License-Identifier: BSD-3-Clause */
/* Large or adjacent pieces are sent in place; small or odd ones are copied once, and counted. */
#include "blk_store_test.h"

#define LEN 131072u

static struct store_test t;

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
	assert_int_equal(store_op(&t, FIDO_BLK_WRITE_ZEROES, 0, 2 * LEN), 0);
	store_io_init(&r, &t, FIDO_BLK_WRITE, 4096, NULL, LEN);
	memcpy(r.iov, iov, n * sizeof(*iov));
	r.io.iovcnt = n;
	assert_int_equal(store_io_run(&r), 0);
	assert_int_equal(store_read(&t, 4096, got, LEN), 0);
	assert_memory_equal(got, expected, LEN);
	assert_int_equal(blk_buffers_used(t.buffers), 0);
	free(expected);
	free(got);
	return t.store->copied - before;
}

static void
pieces(void **state)
{
	static const char *const args[] = {"memory", "1M", NULL};
	uint8_t *p = store_memory(4 * LEN, 5);
	const struct iovec whole[] = {{p + 1, LEN}},
			   halves[] = {{p + LEN + 1, LEN / 2}, {p, LEN / 2}},
			   odd[] = {{p + LEN + 1, LEN / 2 + 100}, {p, LEN / 2 - 100}};
	struct iovec meet[FIDO_BLK_SEGMENTS_MAX], apart[FIDO_BLK_SEGMENTS_MAX];

	for (size_t i = 0; i < FIDO_BLK_SEGMENTS_MAX; i++) {
		meet[i] = (struct iovec){p + i * 512, LEN / FIDO_BLK_SEGMENTS_MAX};
		apart[i] = (struct iovec){p + i * 1024, LEN / FIDO_BLK_SEGMENTS_MAX};
	}
	store_test_start(&t);
	store_test_nbdkit(args);
	store_test_open(&t, "nbd:%s", store_test_uri());
	assert_int_equal(copies(whole, 1), 0);
	assert_int_equal(copies(halves, 2), 0);
	assert_int_equal(copies(meet, FIDO_BLK_SEGMENTS_MAX), 0);
	assert_int_equal(copies(odd, 2), 1);
	assert_int_equal(copies(apart, FIDO_BLK_SEGMENTS_MAX), 1);
	store_test_close(&t);
	store_test_nbdkit_kill();
	store_test_end(&t);
	free(p);
}

TEST_MAIN_ONE(pieces)
