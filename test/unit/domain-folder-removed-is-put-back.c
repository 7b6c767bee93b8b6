/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Living domains restore the group's folder when it is removed; newcomers find them all.
 *
 * Each newcomer gets a slot of its own.
 */
#include "test.h"

#include <ftw.h>
#include <sys/stat.h>

static int
remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	remove(path);
	return 0;
}

/* rm -rf, while others write there. */
static void
remove_all(const char *path)
{
	nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

static bool
is_there(const char *file)
{
	char path[96];

	snprintf(path, sizeof(path), "%s/%s", test_rundir(), file);
	return access(path, F_OK) == 0;
}

static bool
all_there(void)
{
	return is_there(TEST_GROUP "/lock") && is_there(TEST_GROUP "/group") &&
		is_there(TEST_GROUP "/a.sock") && is_there(TEST_GROUP "/slot.0") &&
		is_there(TEST_GROUP "/b.sock") && is_there(TEST_GROUP "/slot.1");
}

static void
put_back(void **state)
{
	struct fido_domain *a = test_join("a"), *c;
	struct fido_link *link;
	struct test_remote b;
	char path[64];

	test_spawn(&b);
	assert_int_equal(test_ask_number(&b, "join b"), 0);
	link = test_link(a, "b", NULL, 1, 1, 64);
	assert_int_equal(test_ask_number(&b, "link a 1 1 64"), 0);
	TEST_WAIT(fido_link_is_up(link));
	snprintf(path, sizeof(path), "%s/" TEST_GROUP, test_rundir());
	for (int i = 0; i < 5; i++) {
		remove_all(i % 2 ? path : test_rundir()); /* the parent folder too */
		TEST_WAIT(all_there());
		assert_true(fido_link_is_up(link));
		c = test_join("c");
		assert_int_equal(fido_domain_slot(c), 2);
		TEST_WAIT(fido_domain_peer_count(c) == 2 && fido_domain_peer_count(a) == 2);
		TEST_WAIT(test_ask_number(&b, "peers") == 2);
		fido_domain_leave(c);
		TEST_WAIT(fido_domain_peer_count(a) == 1);
	}
	test_kill(&b); /* Death is still detected. */
	TEST_WAIT(!fido_link_is_up(link) && fido_domain_peer_count(a) == 0);
	test_spawn(&b);
	assert_int_equal(test_ask_number(&b, "join b"), 0);
	assert_int_equal(test_ask_number(&b, "link a 1 1 64"), 0);
	TEST_WAIT(fido_link_is_up(link));
	fido_link_destroy(link);
	test_end(&b);
	fido_domain_leave(a);
	test_rundir_empty();
}

/* A cleaner of old files removes them one at a time. */
static void
one_at_a_time(void **state)
{
	static const char *const files[] = {"a.sock", "slot.0", "lock", "group"};
	struct fido_domain *a = test_join("a"), *b;
	char path[64];

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		snprintf(path, sizeof(path), "%s/" TEST_GROUP "/%s", test_rundir(), files[i]);
		assert_int_equal(unlink(path), 0);
		TEST_WAIT(access(path, F_OK) == 0);
		TEST_WAIT(is_there(TEST_GROUP "/lock"));
		b = test_join("b");
		assert_int_equal(fido_domain_slot(b), 1);
		TEST_WAIT(fido_domain_peer_count(a) == 1 && fido_domain_peer_count(b) == 1);
		fido_domain_leave(b);
		TEST_WAIT(fido_domain_peer_count(a) == 0);
	}
	fido_domain_leave(a);
	test_rundir_empty();
}

TEST_MAIN(cmocka_unit_test(put_back), cmocka_unit_test(one_at_a_time))
