/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Requests fail with ESTALE after an NBD server returns with another size, until the size is right.
 */
#include "blk_store_test.h"

static void
stale(void **state)
{
	static const char *const right[] = {"memory", "16M", NULL},
				 *const wrong[] = {"memory", "8M", NULL},
				 *const less[] = {"-r", "memory", "16M", NULL};
	uint8_t *p = store_memory(4096, 4);
	struct store_test t;

	store_test_start(&t);
	store_test_nbdkit(right);
	store_test_open(&t, "nbd:%s", store_test_uri());
	assert_int_equal(store_write(&t, 0, p, 4096), 0);
	store_test_nbdkit_kill();
	store_test_nbdkit(wrong);
	TEST_WAIT(store_write(&t, 0, p, 4096) == -ESTALE);
	test_message_has("volume v", "8388608", "16777216", NULL);
	assert_int_equal(store_read(&t, 0, p, 4096), -ESTALE);
	store_test_nbdkit_kill();
	store_test_nbdkit(less);
	TEST_WAIT(store_write(&t, 0, p, 4096) == -ESTALE);
	store_test_nbdkit_kill();
	store_test_nbdkit(right);
	TEST_WAIT(store_write(&t, 0, p, 4096) == 0);
	assert_int_equal(t.store->info.size, 16 << 20);
	store_test_close(&t);
	store_test_nbdkit_kill();
	store_test_end(&t);
	free(p);
}

TEST_MAIN_ONE(stale)
