/* SPDX-License-Identifier: BSD-3-Clause */
/* An invalid layout is refused with a message, and nothing is left behind. */
#include "test.h"

static void
bad_layouts(void **state)
{
	static const struct fido_layout bad[] = {
		{TEST_BASE + 4096, 32, 16},
		{TEST_BASE, 23, 16},
		{TEST_BASE, 64, 16},
		{TEST_BASE, 200, 16},
		{TEST_BASE, 32, 1},
		{TEST_BASE, 32, 65},
		{TEST_BASE, 32, 1000000000},
		{UINT64_C(1) << 47, 32, 16},
		{UINT64_MAX & ~(FIDO_GRANULE_SIZE - 1), 32, 16},
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct fido_domain_config config = test_config("a");
		struct fido_domain *d = NULL;

		config.layout = bad[i];
		fido_domain_join(&d, &(struct fido_domain_config){.group = "", .name = "x"});
		assert_int_equal(fido_domain_join(&d, &config), -EINVAL);
		assert_null(d);
		test_message_has("group " TEST_GROUP, "layout", NULL);
		test_rundir_empty();
	}
}

TEST_MAIN_ONE(bad_layouts)
