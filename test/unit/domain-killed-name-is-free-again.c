/* SPDX-License-Identifier: BSD-3-Clause */
/* A killed domain's name is free at once, although its socket and slot are still in the folder. */
#include "test.h"

static void
killed(void **state)
{
	struct test_remote r;
	struct fido_domain *a, *b = test_join("b");
	char path[96];

	snprintf(path, sizeof(path), "%s/" TEST_GROUP "/a.sock", test_rundir());
	for (int i = 0; i < 3; i++) {
		test_spawn(&r);
		assert_int_equal(test_ask_number(&r, "join a"), 0);
		TEST_WAIT(fido_domain_peer_count(b) >= 1);
		test_kill(&r);
		assert_int_equal(access(path, F_OK), 0);
	}
	a = test_join("a");
	TEST_WAIT(fido_domain_peer_count(a) == 1);
	TEST_WAIT(fido_domain_peer_count(b) == 1); /* the dead are unmapped */
	fido_domain_leave(a);
	fido_domain_leave(b);
	test_rundir_empty();
}

TEST_MAIN_ONE(killed)
