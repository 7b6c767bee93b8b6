/* SPDX-License-Identifier: BSD-3-Clause */
/* Leaving does not wait for the folder's lock; the folder still goes with the last domain. */
#include "test.h"

#include <fcntl.h>
#include <sys/file.h>

static int
take_lock(void)
{
	char path[96];
	int fd;

	snprintf(path, sizeof(path), "%s/" TEST_GROUP "/lock", test_rundir());
	fd = open(path, O_RDWR | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(flock(fd, LOCK_EX | LOCK_NB), 0);
	return fd;
}

static void
no_lock(void **state)
{
	struct fido_domain *a = test_join("a"), *b = test_join("b");
	struct test_remote r;
	int fd;

	test_spawn(&r);
	assert_int_equal(test_ask_number(&r, "join r"), 0);
	TEST_WAIT(fido_domain_peer_count(a) == 2 && fido_domain_peer_count(b) == 2);
	fd = take_lock();
	fido_domain_leave(b); /* waiting for the lock would take forever */
	test_end(&r);
	TEST_WAIT(fido_domain_peer_count(a) == 0);
	close(fd);
	fido_domain_leave(a);
	test_rundir_empty();
}

/* If another domain holds the lock when the last one leaves, the next domain removes the folder. */
static void
next_one_cleans_up(void **state)
{
	struct fido_domain *a = test_join("a");
	int fd = take_lock();

	fido_domain_leave(a);
	close(fd);
	a = test_join("a");
	assert_int_equal(fido_domain_slot(a), 0);
	fido_domain_leave(a);
	test_rundir_empty();
}

TEST_MAIN(cmocka_unit_test(no_lock), cmocka_unit_test(next_one_cleans_up))
