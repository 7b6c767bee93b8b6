/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Opening an NBD volume without a server, or with a bad URI, fails with a message that says what to
 * do.
 */
#include "blk_store_test.h"

static void
refused(void **state)
{
	struct store_test t;

	store_test_start(&t);
	assert_int_equal(store_test_try(&t, false, "nbd:%s", store_test_uri()), -ENOENT);
	test_message_has("volume v", "/nbd", "start the server", NULL);
	assert_int_equal(store_test_try(&t, false, "nbd:nbd://127.0.0.1:1/x"), -ECONNREFUSED);
	test_message_has("nbd://127.0.0.1:1/x", NULL);
	assert_true(store_test_try(&t, false, "nbd:") < 0);
	test_message_has("nbd://HOST/EXPORT", NULL);
	assert_true(store_test_try(&t, false, "nbd:http://localhost/") < 0);
	test_message_has("nbd://HOST/EXPORT", NULL);
	assert_null(t.store);
	store_test_end(&t);
}

TEST_MAIN_ONE(refused)
