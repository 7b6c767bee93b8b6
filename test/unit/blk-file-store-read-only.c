/* SPDX-License-Identifier: BSD-3-Clause */
/* A volume served read-only reports that it is read-only; its file need not be writable. */
#include "blk_store_test.h"

#include <sys/stat.h>

static void
read_only(void **state)
{
	struct store_test t;

	store_test_start(&t);
	store_test_file("f", 1 << 20, 7);
	chmod(store_test_path("f"), 0400);
	assert_int_equal(store_test_try(&t, true, "file:%s", store_test_path("f")), 0);
	assert_int_equal(t.store->info.features &
			(FIDO_BLK_CAN_WRITE | FIDO_BLK_CAN_DISCARD | FIDO_BLK_CAN_WRITE_ZEROES),
		0);
	t.channel = store_test_channel(&t);
	store_reads(&t, 0, 1 << 20, 7);
	assert_int_equal(store_op(&t, FIDO_BLK_FLUSH, 0, 0), 0);
	store_test_close(&t);
	if (geteuid() != 0) {
		assert_int_equal(store_test_try(&t, false, "file:%s", store_test_path("f")),
			-EACCES);
		test_message_has("permission", NULL);
	}
	unlink(store_test_path("f"));
	store_test_end(&t);
}

TEST_MAIN_ONE(read_only)
