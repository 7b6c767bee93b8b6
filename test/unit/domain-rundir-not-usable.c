/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A folder for groups that is a file, missing, or too long a name is refused; the message names it.
 */
#include "test.h"

#include <fcntl.h>
#include <sys/stat.h>

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
make_parents(char *path)
{
	for (char *p = path + strlen(test_rundir()) + 1; (p = strchr(p, '/')) != NULL; *p++ = '/') {
		*p = '\0';
		assert_true(mkdir(path, 0700) == 0 || errno == EEXIST);
	}
}

static void
remove_parents(char *path)
{
	while (strlen(path) > strlen(test_rundir())) {
		rmdir(path);
		*strrchr(path, '/') = '\0';
	}
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

/*
 * Paths longer than a socket address (107 characters) work; for longer than any path, the message
 * states the limit.
 */
static void
too_long(void **state)
{
	const char *const longest = "0123456789012345678901234567890";

	for (size_t len = 30; len < 1200; len += len < 250 ? 7 : 200) {
		struct fido_domain_config config = test_config(longest);
		struct fido_domain *d = NULL, *e = NULL;
		char path[1400];
		int ret;

		memset(path, 'x', sizeof(path));
		for (size_t i = 200; i < len; i += 200)
			path[i] = '/';
		memcpy(path, test_rundir(), strlen(test_rundir()));
		path[strlen(test_rundir())] = '/';
		path[len] = '\0';
		make_parents(path);
		setenv("FIDO_RUNDIR", path, 1);
		config.group = longest;
		ret = fido_domain_join(&d, &config);
		if (ret != 0) {
			assert_true(len > 900);
			assert_int_equal(ret, -ENAMETOOLONG);
			test_message_has("FIDO_RUNDIR", "shorter", "at most", NULL);
		} else {
			config.name = "e";
			assert_int_equal(fido_domain_join(&e, &config), 0);
			TEST_WAIT(fido_domain_peer_count(d) == 1 && fido_domain_peer_count(e) == 1);
			fido_domain_leave(e);
			fido_domain_leave(d);
		}
		assert_true(ret == 0 || len > 200);
		remove_parents(path);
	}
	setenv("FIDO_RUNDIR", test_rundir(), 1);
	test_rundir_empty();
}

TEST_MAIN(cmocka_unit_test(is_a_file), cmocka_unit_test(group_is_a_file),
	cmocka_unit_test(parent_is_missing), cmocka_unit_test(too_long))
