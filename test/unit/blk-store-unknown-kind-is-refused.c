/* SPDX-License-Identifier: BSD-3-Clause */
/* An unknown store is refused with a message that names the volume and the available stores. */
#include "blk_store_test.h"

static void
unknown(void **state)
{
	static const char *const specs[] = {"", ":", "disk:/dev/sda", "file", "/dev/sda",
		"files:/x", "fil:/x", " file:/x"};
	struct store_test t;

	store_test_start(&t);
	for (size_t i = 0; i < sizeof(specs) / sizeof(specs[0]); i++) {
		assert_int_equal(store_test_try(&t, false, "%s", specs[i]), -EINVAL);
		test_message_has("volume v", "KIND:ARG", "mem:", "file:", "nbd:", NULL);
		assert_null(t.store);
	}
	blk_store_close(NULL);
	store_test_end(&t);
}

TEST_MAIN_ONE(unknown)
