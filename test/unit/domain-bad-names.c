/* SPDX-License-Identifier: BSD-3-Clause */
/* An invalid group or domain name is refused with a message, and nothing is left behind. */
#include "test.h"

static const char *const bad[] = {"", ".", "..", ".hidden", "a/b", "../x", "a b", "a\n", "a:b",
	"\xc3\xa4", "0123456789012345678901234567890123"};

static int
join(const char *group, const char *name)
{
	struct fido_domain_config config = test_config(name);
	struct fido_domain *d = NULL;
	int ret;

	config.group = group;
	ret = fido_domain_join(&d, &config);
	if (ret == 0)
		fido_domain_leave(d);
	else
		assert_null(d);
	test_rundir_empty();
	return ret;
}

static void
refused(void **state)
{
	char longest[FIDO_NAME_MAX];

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(join(bad[i], "a"), -EINVAL);
		test_message_has("group", NULL);
		assert_int_equal(join("t", bad[i]), -EINVAL);
		test_message_has("A-Z a-z 0-9 _ . -", NULL);
	}
	assert_int_equal(join(NULL, "a"), -EINVAL);
	assert_int_equal(join("t", NULL), -EINVAL);
	memset(longest, 'x', sizeof(longest));
	longest[FIDO_NAME_MAX - 1] = '\0';
	assert_int_equal(join("t", longest), 0);
	assert_int_equal(join(longest, longest), 0);
	assert_int_equal(join("Az09_-.", "Az09_-."), 0);
	assert_int_equal(join("host:t", "a"), 0);
	assert_int_equal(join("host:", "a"), -EINVAL);
}

TEST_MAIN_ONE(refused)
