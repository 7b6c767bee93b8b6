/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A domain that may not write to the group's folder is refused with that reason and leaves no file.
 */
#include "test.h"

#include <sys/stat.h>

#define NOBODY 65534

/* Permission bits, as an unprivileged user. */
static void
by_mode(struct test_remote *r)
{
	char path[96], other[64];

	/*
	 * Below /tmp the kernel checks the folder's owner first; under another name the mode
	 * decides.
	 */
	snprintf(other, sizeof(other), "/%s", test_rundir());
	snprintf(path, sizeof(path), "%s/" TEST_GROUP, test_rundir());
	assert_int_equal(mkdir(path, 0500), 0);
	assert_int_equal(test_ask_number(r, "env %s", other), 0);
	assert_int_equal(test_ask_number(r, "join b"), -EACCES);
	assert_int_equal(test_ask_number(r, "message write permission"), 1);
	assert_int_equal(test_ask_number(r, "message %s/lock", path), 1);
	assert_true(rmdir(path) == 0 ||
		errno == ENOENT); /* left empty, or removed because it was empty */
	assert_int_equal(chmod(test_rundir(), 0555), 0);
	assert_int_equal(test_ask_number(r, "join b"), -EACCES);
	assert_int_equal(test_ask_number(r, "message %s", path), 1);
	chmod(test_rundir(), 0755);
}

/* In a world-writable place another user's folder is not trusted. */
static void
by_owner(struct test_remote *r)
{
	struct fido_domain *a = test_join("a");

	assert_int_equal(test_ask_number(r, "env %s", test_rundir()), 0);
	assert_int_equal(test_ask_number(r, "join b"), -EPERM);
	assert_int_equal(test_ask_number(r, "message %s", test_rundir()), 1);
	assert_int_equal(test_ask_number(r, "message not permitted"), 1);
	fido_domain_leave(a);
}

static void
without_permission(void **state)
{
	struct test_remote r;

	chmod(test_rundir(), 0755);
	test_spawn(&r);
	if (geteuid() == 0) {
		assert_int_equal(test_ask_number(&r, "setuid %d", NOBODY), 0);
		by_owner(&r);
	}
	by_mode(&r);
	test_end(&r);
	test_rundir_empty();
}

TEST_MAIN_ONE(without_permission)
