/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A link that is created, used and destroyed leaks no descriptors, even if its name is never
 * reused.
 */
#include "test.h"

static void
one_after_another(void **state)
{
	struct test_pair p;
	unsigned int before;

	(void)state;
	test_pair_join(&p);
	/* Meeting opens descriptors on both sides that belong to no link: wait for it. */
	TEST_WAIT(fido_domain_peer_count(p.a) == 1 && fido_domain_peer_count(p.b) == 1);
	before = test_entries("/proc/self/fd");
	for (int i = 0; i < 20; i++) {
		struct fido_link *ab, *ba;
		char name[16];

		snprintf(name, sizeof(name), "link%d", i);
		ab = test_link(p.a, "b", name, 2, 2, 64);
		ba = test_link(p.b, "a", name, 2, 2, 64);
		test_wait_up(ab, ba);
		fido_link_destroy(ab);
		fido_link_destroy(ba);
	}
	TEST_WAIT(test_entries("/proc/self/fd") <= before);
	fido_domain_leave(p.a);
	fido_domain_leave(p.b);
	test_rundir_empty();
}

TEST_MAIN_ONE(one_after_another)
