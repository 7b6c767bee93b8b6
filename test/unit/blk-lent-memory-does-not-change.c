/* SPDX-License-Identifier: BSD-3-Clause */
/* Lent memory keeps its content while its blocks are written or zeroed, in part or whole. */
#include "blk_test.h"

#define LEN 32768

static void
lent_memory(void **state)
{
	struct fido_blk_request read = {.op = FIDO_BLK_READ,
		.flags = FIDO_BLK_LEND,
		.offset = 8192,
		.length = LEN};
	struct fido_blk_completion first, second;
	struct blk_test t;
	char *buf;

	blk_test_start(&t);
	buf = (char *)t.mem->va;
	assert_int_equal(blk_test_write(t.q, buf, 8192, LEN, 1), 0);
	assert_int_equal(blk_test_do(t.q, read, &first), 0);
	/* Whole pages, part of a page, and zeros. */
	assert_int_equal(blk_test_write(t.q, buf, 8192, 8192, 2), 0);
	assert_int_equal(blk_test_write(t.q, buf, 8192 + 12288 + 512, 1024, 3), 0);
	assert_int_equal(blk_test_do(t.q,
				 (struct fido_blk_request){.op = FIDO_BLK_WRITE_ZEROES,
					 .offset = 8192 + 20480,
					 .length = 4096},
				 NULL),
		0);
	assert_int_equal(first.iovcnt, 1);
	assert_true(test_filled(first.iov[0].iov_base, LEN, 1));
	/* A new read returns the new data, and the old data where nothing was written. */
	assert_int_equal(blk_test_read(t.q, buf, 8192, LEN), 0);
	assert_true(test_filled(buf, 8192, 2));
	assert_memory_equal(buf + 8192, (char *)first.iov[0].iov_base + 8192, 4096 + 512);
	assert_true(test_filled(buf + 12288 + 512, 1024, 3));
	assert_memory_equal(buf + 14336, (char *)first.iov[0].iov_base + 14336, 20480 - 14336);
	for (int i = 0; i < 4096; i++)
		assert_int_equal(buf[20480 + i], 0);
	/* The same for memory lent in pieces. */
	assert_int_equal(blk_test_do(t.q, read, &second), 0);
	assert_true(second.iovcnt > 1);
	assert_int_equal(blk_test_write(t.q, buf + LEN, 8192, LEN, 4), 0);
	for (unsigned int i = 0, at = 0; i < second.iovcnt; at += second.iov[i++].iov_len)
		assert_memory_equal(second.iov[i].iov_base, buf + at, second.iov[i].iov_len);
	fido_blk_release(t.q, &second.lent, 1);
	fido_blk_release(t.q, &first.lent, 1);
	blk_test_end(&t);
}

/*
 * All memory is lent and every block written: writes wait for free memory, and go on when some is
 * released.
 */
static void
no_free_memory(void **state)
{
	struct fido_blk_request read = {.op = FIDO_BLK_READ,
		.flags = FIDO_BLK_LEND,
		.length = 1 << 20};
	struct fido_blk_completion lent[8], c;
	struct iovec iov;
	struct blk_test t;

	blk_test_start(&t);
	iov = (struct iovec){(void *)t.mem->va, 1 << 20};
	for (unsigned int i = 0; i < 8; i++, read.offset += 1 << 20)
		assert_int_equal(blk_test_do(t.q, read, &lent[i]), 0);
	for (unsigned int i = 0; i < 8; i++)
		assert_int_equal(fido_blk_submit(t.q,
					 &(struct fido_blk_request){.op = FIDO_BLK_WRITE,
						 .iov = &iov,
						 .iovcnt = 1,
						 .offset = i << 20,
						 .length = 1 << 20},
					 1),
			1);
	for (unsigned int done = 0, released = 0; done < 8;) {
		done += fido_blk_poll(t.q, &c, 1);
		if (released < 8 && done >= released)
			fido_blk_release(t.q, &lent[released++].lent, 1);
	}
	blk_test_end(&t);
}

/*
 * The largest read, from the middle of a page and with no page beside its neighbour: the maximum of
 * pieces.
 */
static void
most_pieces(void **state)
{
	struct fido_blk_request read = {.op = FIDO_BLK_READ,
		.flags = FIDO_BLK_LEND,
		.offset = 512,
		.length = 1 << 20};
	struct fido_blk_completion lent, pages[2];
	struct blk_test t;
	char *buf;

	blk_test_start(&t);
	buf = (char *)t.mem->va;
	assert_int_equal(blk_test_do(t.q, read, &pages[0]), 0);
	read.offset = 1 << 20;
	assert_int_equal(blk_test_do(t.q, read, &pages[1]), 0);
	/*
	 * All are lent, so that each write takes a free frame, one after the other: even numbers
	 * first.
	 */
	for (uint64_t odd = 0; odd < 2; odd++)
		for (uint64_t page = odd; page < FIDO_BLK_LENT_MAX; page += 2)
			assert_int_equal(blk_test_write(t.q, buf, page << 12, 4096, page), 0);
	fido_blk_release(t.q, &pages[0].lent, 1);
	fido_blk_release(t.q, &pages[1].lent, 1);
	read.offset = 512;
	assert_int_equal(blk_test_do(t.q, read, &lent), 0);
	assert_int_equal(lent.iovcnt, FIDO_BLK_LENT_MAX);
	for (uint64_t page = 0; page < FIDO_BLK_LENT_MAX; page++) {
		size_t at = page == 0 ? 512 : 0;

		test_fill(buf, 4096, page);
		assert_int_equal(lent.iov[page].iov_len,
			page == FIDO_BLK_LENT_MAX - 1 ? 512 : 4096 - at);
		assert_memory_equal(lent.iov[page].iov_base, buf + at, lent.iov[page].iov_len);
	}
	fido_blk_release(t.q, &lent.lent, 1);
	assert_int_equal(blk_test_read(t.q, buf, 512, 1 << 20), 0);
	blk_test_end(&t);
}

TEST_MAIN(cmocka_unit_test(lent_memory), cmocka_unit_test(no_free_memory),
	cmocka_unit_test(most_pieces))
