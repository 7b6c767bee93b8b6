/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Size, block sizes, features and channel count are the server's; unsupported features are not
 * offered.
 */
#include "blk_store_test.h"

static struct store_test t;

static void
start(const char *const *args)
{
	store_test_start(&t);
	store_test_nbdkit(args);
}

static void
end(void)
{
	store_test_close(&t);
	store_test_nbdkit_kill();
	store_test_end(&t);
}

static void
all(void **state)
{
	static const char *const args[] = {"memory", "1049000", NULL};
	uint64_t identity;

	start(args);
	store_test_open(&t, "nbd:%s", store_test_uri());
	assert_int_equal(t.store->info.size, 1049000 - 1049000 % 512);
	assert_int_equal(t.store->info.features,
		FIDO_BLK_CAN_WRITE | FIDO_BLK_CAN_FLUSH | FIDO_BLK_CAN_FUA | FIDO_BLK_CAN_DISCARD |
			FIDO_BLK_CAN_WRITE_ZEROES);
	assert_false(t.store->one_channel);
	identity = t.store->info.identity;
	store_test_close(&t);
	store_test_open(&t, "nbd:%s", store_test_uri());
	assert_int_equal(t.store->info.identity, identity);
	end();
}

static void
one_connection(void **state)
{
	static const char *const args[] = {"--filter=multi-conn", "memory", "1M",
		"multi-conn-mode=disable", NULL};

	start(args);
	store_test_open(&t, "nbd:%s", store_test_uri());
	assert_true(t.store->one_channel);
	end();
}

static void
large_blocks(void **state)
{
	static const char *const args[] = {"--filter=blocksize-policy", "memory", "1M",
		"blocksize-minimum=4096", "blocksize-preferred=4096", "blocksize-maximum=128k",
		"blocksize-error-policy=error", NULL};
	uint8_t *p = store_memory(131072, 3);

	start(args);
	store_test_open(&t, "nbd:%s", store_test_uri());
	assert_int_equal(t.store->info.block_size, 4096);
	assert_int_equal(t.store->info.max_transfer, 131072);
	assert_int_equal(store_write(&t, 4096, p, 131072), 0);
	store_reads(&t, 4096, 131072, 3);
	end();
	free(p);
}

static void
read_only(void **state)
{
	static const char *const args[] = {"-r", "memory", "1M", NULL};

	start(args);
	assert_int_equal(store_test_try(&t, false, "nbd:%s", store_test_uri()), -EROFS);
	test_message_has("volume v", "read-only", NULL);
	assert_int_equal(store_test_try(&t, true, "nbd:%s", store_test_uri()), 0);
	assert_int_equal(t.store->info.features & FIDO_BLK_CAN_WRITE, 0);
	t.channel = store_test_channel(&t);
	store_reads(&t, 0, 1 << 20, 0);
	end();
}

/* Zeros are written as data where the server lacks the command. */
static void
no_zeroes(void **state)
{
	static const char *const args[] = {"--filter=nozero", "memory", "2M", NULL};
	uint8_t *p = store_memory(1 << 20, 3);

	start(args);
	store_test_open(&t, "nbd:%s", store_test_uri());
	assert_int_not_equal(t.store->info.features & FIDO_BLK_CAN_WRITE_ZEROES, 0);
	assert_int_equal(store_write(&t, 0, p, 1 << 20), 0);
	assert_int_equal(store_write(&t, 1 << 20, p, 1 << 20), 0);
	assert_int_equal(store_op(&t, FIDO_BLK_WRITE_ZEROES, 4096, (2 << 20) - 8192), 0);
	store_reads(&t, 4096, 1 << 20, 0);
	store_reads(&t, (1 << 20) - 4096, 1 << 20, 0);
	assert_int_equal(store_read(&t, 0, p, 4096), 0);
	assert_true(test_filled(p, 4096, 3));
	end();
	free(p);
}

TEST_MAIN(cmocka_unit_test(all), cmocka_unit_test(one_connection), cmocka_unit_test(large_blocks),
	cmocka_unit_test(read_only), cmocka_unit_test(no_zeroes))
