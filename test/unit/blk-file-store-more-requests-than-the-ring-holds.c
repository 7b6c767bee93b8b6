/* SPDX-License-Identifier: BSD-3-Clause */
/* Far more requests of every kind than the ring has entries complete once each. */
#include "blk_store_test.h"

#define REQUESTS 6000u

static void
many(void **state)
{
	struct store_io *r = calloc(REQUESTS, sizeof(*r));
	uint8_t *p = store_memory(4096, 2);
	void *piece;
	struct store_test t;

	store_test_start(&t);
	store_test_file("f", 8 << 20, 0);
	store_test_open(&t, "file:%s", store_test_path("f"));
	piece = blk_buffers_alloc(t.buffers, 4096);
	for (uint32_t i = 0; i < REQUESTS; i++) {
		static const enum fido_blk_op ops[] = {FIDO_BLK_WRITE, FIDO_BLK_READ,
			FIDO_BLK_WRITE, FIDO_BLK_READ, FIDO_BLK_WRITE_ZEROES, FIDO_BLK_READ,
			FIDO_BLK_DISCARD};
		enum fido_blk_op op = i % 500 == 0 ? FIDO_BLK_FLUSH : ops[i % 7];

		store_io_init(&r[i], &t, op == FIDO_BLK_READ ? FIDO_BLK_WRITE : op, i % 2048 * 4096,
			p, 4096);
		/* All reads share one piece: their content does not matter here. */
		if (op == FIDO_BLK_READ) {
			r[i].io.op = op;
			r[i].iov[0].iov_base = piece;
		}
		store_io_submit(&r[i]);
	}
	for (uint32_t i = 0; i < REQUESTS; i++)
		assert_int_equal(store_io_wait(&r[i]), 0);
	assert_int_equal(t.done, REQUESTS);
	blk_buffers_free(t.buffers, piece);
	store_test_close(&t);
	unlink(store_test_path("f"));
	store_test_end(&t);
	free(p);
	free(r);
}

TEST_MAIN_ONE(many)
