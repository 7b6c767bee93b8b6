/* SPDX-License-Identifier: BSD-3-Clause */
/* Destroying links and leaving right after is safe, whatever the control threads are doing. */
#include "test.h"

static void
at_once(void **state)
{
	for (int i = 0; i < 40; i++) {
		struct fido_domain *a = test_join("a"), *b = test_join("b");
		struct fido_region *mem = test_arena(a, 1 << 21);
		struct fido_link *ab[3], *ba[3];
		static const char *const names[] = {"x", "y", "z"};

		for (int k = 0; k < 3; k++) {
			ab[k] = test_link(a, "b", names[k], 1, 1, 64);
			ba[k] = test_link(b, "a", names[k], 1, 1, 64);
		}
		if (i % 2)
			test_wait_up(ab[0], ba[0]);
		test_post(fido_link_txq(ab[0], 0), mem, 1);
		for (int k = 0; k < 3; k++) {
			fido_link_destroy(ab[k]);
			if (i % 3)
				fido_link_destroy(ba[k]);
		}
		fido_region_destroy(mem);
		if (i % 4 < 2) {
			fido_domain_leave(a);
			fido_domain_leave(b);
		} else {
			fido_domain_leave(b);
			fido_domain_leave(a);
		}
		test_rundir_empty();
	}
}

TEST_MAIN_ONE(at_once)
