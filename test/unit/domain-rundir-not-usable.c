/* A folder for groups that is a file, not there, or too long a name is refused with a message that names it. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "test.h"

#include <fcntl.h>

static int
join(void)
{
	struct fido_domain_config config = test_config("a");
	struct fido_domain *d = NULL;
	int ret = fido_domain_join(&d, &config);

	assert_null(d);
	return ret;
}

static void
is_a_file(void **state)
{
	char path[96];

	snprintf(path, sizeof(path), "%s/file", test_rundir());
	close(open(path, O_CREAT | O_WRONLY, 0600));
	setenv("FIDO_RUNDIR", path, 1);
	assert_int_equal(join(), -ENOTDIR);
	test_message_has(path, "Not a directory", "FIDO_RUNDIR", NULL);
	setenv("FIDO_RUNDIR", test_rundir(), 1);
	unlink(path);
}

static void
group_is_a_file(void **state)
{
	char path[96];

	snprintf(path, sizeof(path), "%s/" TEST_GROUP, test_rundir());
	close(open(path, O_CREAT | O_WRONLY, 0600));
	assert_int_equal(join(), -ENOTDIR);
	test_message_has(path, "Not a directory", NULL);
	assert_int_equal(access(path, F_OK), 0);
	unlink(path);
}

static void
parent_is_missing(void **state)
{
	char path[96];

	snprintf(path, sizeof(path), "%s/no/where", test_rundir());
	setenv("FIDO_RUNDIR", path, 1);
	assert_int_equal(join(), -ENOENT);
	test_message_has(path, NULL);
	setenv("FIDO_RUNDIR", test_rundir(), 1);
}

/* The longest group's folder plus the longest domain's socket must be an address: 107 characters. */
static void
too_long(void **state)
{
	const char *const longest = "0123456789012345678901234567890";

	for (size_t len = 30; len < 200; len++) {
		struct fido_domain_config config = test_config(longest);
		struct fido_domain *d = NULL;
		char path[201];
		int ret;

		memset(path, 'x', sizeof(path));
		memcpy(path, test_rundir(), strlen(test_rundir()));
		path[strlen(test_rundir())] = '/';
		path[len] = '\0';
		setenv("FIDO_RUNDIR", path, 1);
		config.group = longest;
		ret = fido_domain_join(&d, &config);
		assert_int_equal(ret, len + strlen("//.sock") + 2 * strlen(longest) <= 107 ? 0 : -ENAMETOOLONG);
		if (ret != 0)
			test_message_has("FIDO_RUNDIR", "shorter", NULL);
		fido_domain_leave(d);
		rmdir(path);
	}
	setenv("FIDO_RUNDIR", test_rundir(), 1);
	test_rundir_empty();
}

TEST_MAIN(cmocka_unit_test(is_a_file), cmocka_unit_test(group_is_a_file),
		cmocka_unit_test(parent_is_missing), cmocka_unit_test(too_long))
