/* SPDX-License-Identifier: BSD-3-Clause */
/* A group of an unknown transport is refused with a message that names the form to use. */
#include "test.h"

static void
unknown(void **state)
{
	static const char *const groups[] = {"xenon:t", ":t", "hos:t", "hostt:t", "HOST:t",
		"a:b:c"};

	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++) {
		struct fido_domain_config config = test_config("a");
		struct fido_domain *d = NULL;
		struct fido_observer *o = NULL;

		config.group = groups[i];
		assert_int_equal(fido_domain_join(&d, &config), -EINVAL);
		assert_null(d);
		test_message_has(groups[i], "transport", "host:NAME", NULL);
		assert_int_equal(fido_observer_open(&o, groups[i]), -EINVAL);
		assert_null(o);
	}
	test_rundir_empty();
}

TEST_MAIN_ONE(unknown)
