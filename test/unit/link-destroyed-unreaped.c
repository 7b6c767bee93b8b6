/* SPDX-License-Identifier: BSD-3-Clause */
/* A destroyed link frees its place once its tickets are back, even if nobody reaps them. */
#include "test.h"

static void
goes(void **state)
{
	struct fido_domain *a = test_join("a"), *b = test_join("b");
	struct fido_region *mem = test_arena(a, 1 << 21);

	for (int i = 0; i < 2 * FIDO_DOMAIN_LINKS_MAX; i++) {
		struct fido_link *ab, *ba = test_link(b, "a", "x", 1, 1, 64);

		ab = test_link(a, "b", "x", 1, 1, 64);
		test_wait_up(ab, ba);
		TEST_WAIT(test_post(fido_link_txq(ab, 0), mem, 1) == 1);
		fido_link_destroy(ab);
		fido_link_destroy(ba); /* sends back what it has not polled */
	}
	fido_region_destroy(mem);
	fido_domain_leave(a);
	fido_domain_leave(b);
	test_rundir_empty();
}

TEST_MAIN_ONE(goes)
