/* SPDX-License-Identifier: BSD-3-Clause */
/* A channel to a hung server can be closed: none of its requests completes later, none is lost. */
#include "blk_store_test.h"

#define FLIGHT 200

static void
hung(void **state)
{
	static const char *const args[] = {"--filter=delay", "memory", "16M", "delay-read=60",
		"delay-write=60", NULL};
	struct store_io *r = calloc(FLIGHT, sizeof(*r));
	uint8_t *p = store_memory(65536, 3);
	struct store_test t;

	store_test_start(&t);
	store_test_nbdkit(args);
	store_test_open(&t, "nbd:%s", store_test_uri());
	for (unsigned int i = 0; i < FLIGHT; i++) {
		store_io_init(&r[i], &t, i % 2 ? FIDO_BLK_WRITE : FIDO_BLK_READ, i * 65536,
			p + i % 4, 4096);
		r[i].iov[1] = (struct iovec){p + 8192, 512};
		r[i].io.iovcnt = i % 2 + 1; /* these need a copy */
		r[i].io.length += i % 2 * 512;
		store_io_submit(&r[i]);
	}
	assert_int_equal(t.store->ops->poll(t.channel), 0);
	store_test_close(&t);
	for (unsigned int i = 0; i < FLIGHT; i++) {
		assert_int_equal(r[i].done, 0);
		store_io_free(&r[i]);
	}
	store_test_nbdkit_kill();
	store_test_end(&t);
	free(p);
	free(r);
}

TEST_MAIN_ONE(hung)
