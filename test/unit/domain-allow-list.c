/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A domain with a list of users shares memory only with their processes and its own user's.
 *
 * The others are told why.
 */
#include "test.h"

#include <fcntl.h>

#define NOBODY 65534
#define STRANGER 65533

static struct fido_domain *
join(const char *name, const char *allow)
{
	struct fido_domain_config config = test_config(name);
	struct fido_domain *d = NULL;

	config.allow = allow;
	assert_int_equal(fido_domain_join(&d, &config), 0);
	return d;
}

/* A process of another user who can write to the group's folder. */
static void
spawn_user(struct test_remote *r, unsigned int uid, const char *name)
{
	char other[64];

	snprintf(other, sizeof(other), "/%s", test_rundir());
	test_spawn(r);
	assert_int_equal(test_ask_number(r, "env %s", other), 0);
	assert_int_equal(test_ask_number(r, "setuid %u", uid), 0);
	assert_int_equal(test_ask_number(r, "join %s", name), 0);
}

static void
open_folder(void)
{
	char path[96];

	test_open_folder();
	snprintf(path, sizeof(path), "%s/" TEST_GROUP "/lock", test_rundir());
	close(open(path, O_CREAT | O_RDWR, 0666));
}

static void
list(void **state)
{
	struct test_remote nobody, stranger;
	struct fido_domain *a, *b;

	if (geteuid() != 0)
		TEST_SKIP("becoming another user needs root");
	open_folder();
	a = join("a", "65534");
	b = join("b", NULL);
	spawn_user(&nobody, NOBODY, "n");
	TEST_WAIT(fido_domain_peer_count(a) == 2 && fido_domain_peer_count(b) == 2);
	TEST_WAIT(test_ask_number(&nobody, "peers") == 2);
	/*
	 * The stranger is not on a's list, so neither sees the other; b has no list and sees it.
	 * First the stranger connects to a...
	 */
	spawn_user(&stranger, STRANGER, "s");
	TEST_WAIT(fido_domain_peer_count(b) == 3);
	TEST_WAIT(test_ask_number(&stranger, "peers") == 2);
	assert_int_equal(fido_domain_peer_count(a), 2);
	/* ... then a connects to the stranger. */
	fido_domain_leave(a);
	a = join("a", "nobody");
	TEST_WAIT(fido_domain_peer_count(b) == 3 && fido_domain_peer_count(a) == 2);
	usleep(50000);
	assert_int_equal(fido_domain_peer_count(a), 2);
	TEST_WAIT(test_ask_number(&stranger, "peers") == 2);
	test_end(&stranger);
	test_end(&nobody);
	fido_domain_leave(a);
	fido_domain_leave(b);
}

/* An empty list: only the domain's own user and root. */
static void
nobody_else(void **state)
{
	struct fido_domain *a = join("a", ""), *b = join("b", "");

	TEST_WAIT(fido_domain_peer_count(a) == 1 && fido_domain_peer_count(b) == 1);
	fido_domain_leave(a);
	fido_domain_leave(b);
}

static void
refused(const char *allow, const char *because)
{
	struct fido_domain_config config = test_config("a");
	struct fido_domain *d = NULL;

	config.allow = allow;
	assert_int_equal(fido_domain_join(&d, &config), -EINVAL);
	test_message_has("allow", because, NULL);
}

static void
bad_lists(void **state)
{
	static const char *const bad[] = {"nosuchuser", "-1", "0x10", "99999999999",
		"nobody:no such",
		"a-name-that-is-longer-than-any-name-of-a-user-can-be-on-any-machine-that-we-know"};
	char many[256] = "1";

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		refused(bad[i], "separated by colons");
	for (int i = 0; i < 40; i++)
		strcat(many, ":1");
	refused(many, "Unix group");
}

TEST_MAIN(cmocka_unit_test(nobody_else), cmocka_unit_test(bad_lists), cmocka_unit_test(list))
