/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A group of another layout version, or with a broken file, is refused and left unchanged.
 *
 * The message names both versions.
 */
#include "test.h"

static void
write_group(const char *text)
{
	char path[96];
	FILE *f;

	snprintf(path, sizeof(path), "%s/" TEST_GROUP, test_rundir());
	strcat(path, "/group");
	f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static void
version(void **state)
{
	static const char *const files[] = {
		"fido 3\nbase 0x2000000000\nslot_shift 32\nslots 16\n",
		"fido 0\nbase 0x2000000000\nslot_shift 32\nslots 16\n",
		"",
		"fido",
		"fido x\n",
		"something else\n",
		"fido 2\nbase 0x2000000000\n",
	};
	struct fido_domain *a = test_join("a"), *b = NULL;
	struct fido_domain_config config = test_config("b");

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		write_group(files[i]);
		assert_int_equal(fido_domain_join(&b, &config), -EPROTO);
		assert_null(b);
		test_message_has("/" TEST_GROUP "/group", "layout version", "same version", NULL);
		if (i == 0)
			test_message_has("version 3", "has 2", NULL);
	}
	fido_domain_leave(a);
	test_rundir_empty();
}

TEST_MAIN_ONE(version)
