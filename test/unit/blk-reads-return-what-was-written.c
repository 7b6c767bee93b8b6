/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Reads return what was written: copied or lent, in one piece or many.
 *
 * Writes from an arena need no copy, writes from other memory one, which is counted.
 */
#include "blk_test.h"

static struct fido_blk_stats
stats(const struct blk_test *t)
{
	struct fido_blk_stats s;

	fido_blk_queue_stats(t->q, &s);
	return s;
}

static void
from_an_arena(void **state)
{
	struct blk_test t;
	char *buf, *to = malloc(1 << 20);

	blk_test_start(&t);
	buf = (char *)t.mem->va;
	assert_int_equal(fido_blk_info(t.blk)->size, BLK_VOLUME_SIZE);
	for (size_t len = 512; len <= 1 << 20; len *= 2) {
		assert_int_equal(blk_test_write(t.q, buf, 512 * 3, len, len), 0);
		assert_int_equal(blk_test_read(t.q, to, 512 * 3, len), 0);
		assert_true(test_filled(to, len, len));
	}
	assert_int_equal(stats(&t).copied_writes, 0);
	assert_int_equal(stats(&t).copied_reads, 12);
	assert_int_equal(stats(&t).read_bytes, stats(&t).write_bytes);
	blk_test_end(&t);
	free(to);
}

static void
lent(void **state)
{
	struct fido_blk_request r = {.op = FIDO_BLK_READ,
		.flags = FIDO_BLK_LEND,
		.offset = 4096,
		.length = 65536};
	struct fido_blk_completion c;
	struct blk_test t;

	blk_test_start(&t);
	assert_int_equal(blk_test_write(t.q, (void *)t.mem->va, 4096, 65536, 7), 0);
	assert_int_equal(blk_test_do(t.q, r, &c), 0);
	/* It is contiguous, in the backend's memory. */
	assert_int_equal(c.iovcnt, 1);
	assert_int_equal(c.iov[0].iov_len, 65536);
	assert_int_equal(fido_layout_slot(fido_domain_layout(t.vm), (uintptr_t)c.iov[0].iov_base),
		fido_domain_slot(t.disk));
	assert_true(test_filled(c.iov[0].iov_base, 65536, 7));
	assert_int_equal(fido_blk_inflight(t.q), 1);
	fido_blk_release(t.q, &c.lent, 1);
	assert_int_equal(fido_blk_inflight(t.q), 0);
	assert_int_equal(stats(&t).lent, 1);
	assert_int_equal(stats(&t).copied_reads, 0);
	blk_test_end(&t);
}

static void
from_other_memory(void **state)
{
	struct blk_test t;
	char *buf = aligned_alloc(4096, 65536);

	blk_test_start(&t);
	assert_int_equal(blk_test_write(t.q, buf, 0, 65536, 9), 0);
	assert_int_equal(stats(&t).copied_writes, 1);
	assert_int_equal(blk_test_read(t.q, buf, 0, 65536), 0);
	assert_true(test_filled(buf, 65536, 9));
	blk_test_end(&t);
	free(buf);
}

static void
in_pieces(void **state)
{
	struct iovec iov[FIDO_BLK_SEGMENTS_MAX];
	struct blk_test t;
	char *buf;

	blk_test_start(&t);
	buf = (char *)t.mem->va;
	test_fill(buf, FIDO_BLK_SEGMENTS_MAX * 64, 3);
	/* Pieces at different places, in the order of the bytes. */
	for (unsigned int i = 0; i < FIDO_BLK_SEGMENTS_MAX; i++) {
		iov[i] = (struct iovec){buf + 65536 + (FIDO_BLK_SEGMENTS_MAX - i) * 128, 64};
		memcpy(iov[i].iov_base, buf + i * 64, 64);
	}
	assert_int_equal(blk_test_do(t.q,
				 (struct fido_blk_request){.op = FIDO_BLK_WRITE,
					 .offset = 1024,
					 .length = FIDO_BLK_SEGMENTS_MAX * 64,
					 .iov = iov,
					 .iovcnt = FIDO_BLK_SEGMENTS_MAX},
				 NULL),
		0);
	assert_int_equal(blk_test_read(t.q, buf, 1024, FIDO_BLK_SEGMENTS_MAX * 64), 0);
	assert_true(test_filled(buf, FIDO_BLK_SEGMENTS_MAX * 64, 3));
	/* The same, read into pieces. */
	assert_int_equal(blk_test_do(t.q,
				 (struct fido_blk_request){.op = FIDO_BLK_READ,
					 .offset = 1024,
					 .length = FIDO_BLK_SEGMENTS_MAX * 64,
					 .iov = iov,
					 .iovcnt = FIDO_BLK_SEGMENTS_MAX},
				 NULL),
		0);
	for (unsigned int i = 0; i < FIDO_BLK_SEGMENTS_MAX; i++)
		assert_memory_equal(iov[i].iov_base, buf + i * 64, 64);
	blk_test_end(&t);
}

static void
zeroes_and_discard(void **state)
{
	struct blk_test t;
	char *buf;

	blk_test_start(&t);
	buf = (char *)t.mem->va;
	assert_int_equal(blk_test_write(t.q, buf, 0, 65536, 5), 0);
	assert_int_equal(blk_test_do(t.q,
				 (struct fido_blk_request){.op = FIDO_BLK_WRITE_ZEROES,
					 .offset = 512,
					 .length = 8192},
				 NULL),
		0);
	assert_int_equal(blk_test_do(t.q, (struct fido_blk_request){.op = FIDO_BLK_FLUSH}, NULL),
		0);
	assert_int_equal(blk_test_do(t.q,
				 (struct fido_blk_request){.op = FIDO_BLK_DISCARD,
					 .offset = 32768,
					 .length = 4096},
				 NULL),
		0);
	assert_int_equal(blk_test_read(t.q, buf + 65536, 0, 65536), 0);
	for (size_t i = 0; i < 8192; i++)
		assert_int_equal(buf[65536 + 512 + i], 0);
	test_fill(buf, 65536, 5);
	assert_memory_equal(buf + 65536, buf, 512);
	assert_memory_equal(buf + 65536 + 8704, buf + 8704, 32768 - 8704);
	blk_test_end(&t);
}

TEST_MAIN(cmocka_unit_test(from_an_arena), cmocka_unit_test(lent),
	cmocka_unit_test(from_other_memory), cmocka_unit_test(in_pieces),
	cmocka_unit_test(zeroes_and_discard))
