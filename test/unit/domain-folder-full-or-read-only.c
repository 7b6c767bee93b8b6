/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Joining on a full or read-only file system fails with a message and leaves nothing behind.
 *
 * Whichever file is the first for which space or inodes are missing.
 */
#include "test.h"

#include <sched.h>
#include <sys/mount.h>

static char where[64];

/* Join on a file system with these limits. @return what joining returned */
static int
join_on(unsigned long flags, const char *options)
{
	struct fido_domain_config config = test_config("a");
	struct fido_domain *d = NULL;
	int ret;

	assert_int_equal(mount("fido", where, "tmpfs", flags, options), 0);
	/* Leave an old message, to tell that there is a new one. */
	fido_domain_join(&d, &(struct fido_domain_config){.group = "none:"});
	ret = fido_domain_join(&d, &config);
	if (ret != 0) {
		test_message_has(where, NULL);
		assert_null(d);
	}
	fido_domain_leave(d);
	/* The group's folder stays only while a domain is in it. */
	assert_int_equal(test_entries(where), 0);
	assert_int_equal(umount(where), 0);
	return ret;
}

static void
out_of_entries(void **state)
{
	unsigned int failed = 0, n;

	for (n = 2; n < 20; n++) { /* 1 is the root folder itself; 0 means no limit */
		char options[32];
		int ret;

		snprintf(options, sizeof(options), "nr_inodes=%u", n);
		ret = join_on(0, options);
		if (ret == 0)
			break;
		assert_int_equal(ret, -ENOSPC);
		failed++;
	}
	assert_true(failed >= 4 && n < 20); /* folder, lock, group, slot, socket */
}

static void
out_of_space(void **state)
{
	assert_int_equal(join_on(0, "size=4096"), -ENOSPC);
	test_message_has("space", NULL);
	assert_int_equal(join_on(0, "size=8192"), 0);
}

static void
read_only(void **state)
{
	assert_int_equal(join_on(MS_RDONLY, "size=65536"), -EROFS);
	test_message_has("Read-only", NULL);
}

/* An unprivileged user may mount in a user namespace of its own, where it is root. */
static bool
write_id_map(const char *file, unsigned int id)
{
	FILE *f = fopen(file, "we");
	bool ok = f != NULL && fprintf(f, "%u %u 1\n", id, id) > 0;

	return f != NULL && fclose(f) == 0 && ok;
}

static bool
new_namespaces(void)
{
	unsigned int uid = geteuid(), gid = getegid();
	FILE *f;

	if (uid == 0)
		return unshare(CLONE_NEWNS) == 0;
	if (unshare(CLONE_NEWNS | CLONE_NEWUSER) != 0)
		return false;
	f = fopen("/proc/self/setgroups", "we");
	if (f != NULL) {
		fputs("deny", f);
		fclose(f);
	}
	return write_id_map("/proc/self/uid_map", uid) && write_id_map("/proc/self/gid_map", gid);
}

static int
in_own_mount_namespace(void **state)
{
	if (!new_namespaces() || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0)
		TEST_SKIP("this user cannot mount a file system here: %s", strerror(errno));
	snprintf(where, sizeof(where), "%s", test_rundir());
	return 0;
}

TEST_MAIN(cmocka_unit_test_setup(out_of_entries, in_own_mount_namespace),
	cmocka_unit_test(out_of_space), cmocka_unit_test(read_only))
