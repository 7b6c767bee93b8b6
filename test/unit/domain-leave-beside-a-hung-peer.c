/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Domains whose memory a hung peer maps, and with idle links to it, leave without waiting for it.
 */
#include "test.h"

/* If each waited a second for the peer, the limit would be exceeded. */
#define DOMAINS 24
#define LINKS 4

static void
leave(void **state)
{
	struct fido_domain_config config = test_config("");
	struct fido_domain *d[DOMAINS] = {NULL};
	struct fido_region *mem[DOMAINS];
	struct fido_link *link[LINKS];
	struct test_remote r;
	char name[8];
	uint64_t start;

	config.layout.slots = 64;
	config.name = name;
	for (int i = 0; i < DOMAINS; i++) {
		snprintf(name, sizeof(name), "d%d", i);
		assert_int_equal(fido_domain_join(&d[i], &config), 0);
		mem[i] = test_arena(d[i], 1 << 21);
	}
	test_spawn(&r);
	assert_int_equal(test_ask_number(&r, "join r 64"), 0);
	for (int i = 0; i < DOMAINS; i++)
		TEST_WAIT(test_ask_number(&r, "mapped 0x%lx", mem[i]->gaddr) == 1);
	for (int i = 0; i < LINKS; i++) {
		link[i] = test_link(d[i], "r", NULL, 1, 1, 64);
		assert_int_equal(test_ask_number(&r, "link d%d 1 1 64", i), 0);
		TEST_WAIT(fido_link_is_up(link[i]));
	}
	test_stop(&r);
	start = test_now_ms();
	for (int i = 0; i < DOMAINS; i++) {
		if (i < LINKS)
			fido_link_destroy(link[i]);
		fido_region_destroy(mem[i]);
		fido_domain_leave(d[i]);
	}
	assert_true(test_now_ms() - start < (uint64_t)TEST_LIMIT_MS);
	printf("leaving took %llu ms each\n",
		(unsigned long long)(test_now_ms() - start) / DOMAINS);
	test_continue(&r);
	TEST_WAIT(test_ask_number(&r, "peers") == 0);
	test_end(&r);
	test_rundir_empty();
}

TEST_MAIN_ONE(leave)
