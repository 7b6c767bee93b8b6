/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A clean leave frees its slot at once beside a hung domain; any number of later joins succeed.
 *
 * Those that join afterwards find each other.
 */
#include "test.h"

#define SLOTS 4
/* More than a socket's backlog: the hung domain accepts no connections. */
#define ROUNDS 300

static void
free_at_once(void **state)
{
	struct fido_domain_config config = test_config("a");
	struct fido_domain *a = NULL, *c = NULL;
	struct test_remote hung;
	uint64_t worst = 0;

	config.layout.slots = SLOTS;
	assert_int_equal(fido_domain_join(&a, &config), 0);
	test_spawn(&hung);
	assert_int_equal(test_ask_number(&hung, "join hung %d", SLOTS), 0);
	TEST_WAIT(fido_domain_peer_count(a) == 1);
	test_stop(&hung);
	config.name = "c";
	for (uint32_t i = 0; i < test_rounds(ROUNDS); i++) {
		uint64_t start = test_now_ms();

		assert_int_equal(fido_domain_join(&c, &config), 0);
		if (i % 8 == 0) /* otherwise it leaves before a has accepted its connection */
			TEST_WAIT(fido_domain_peer_count(a) == 2);
		fido_domain_leave(c);
		if (test_now_ms() - start > worst)
			worst = test_now_ms() - start;
	}
	printf("joining and leaving took %llu ms at most\n", (unsigned long long)worst);
	assert_int_equal(fido_domain_join(&c, &config), 0);
	test_continue(&hung);
	TEST_WAIT(fido_domain_peer_count(a) == 2 && fido_domain_peer_count(c) == 2);
	TEST_WAIT(test_ask_number(&hung, "peers") == 2);
	test_end(&hung);
	fido_domain_leave(c);
	fido_domain_leave(a);
	test_rundir_empty();
}

/* Only the slots that it had mapped when it was stopped are kept from reuse. */
static void
mapped_is_kept(void **state)
{
	struct fido_domain_config config = test_config("a");
	struct fido_domain *a = NULL, *b = NULL, *c = NULL;
	struct test_remote hung;

	config.layout.slots = SLOTS;
	assert_int_equal(fido_domain_join(&a, &config), 0);
	config.name = "b";
	assert_int_equal(fido_domain_join(&b, &config), 0);
	test_spawn(&hung);
	assert_int_equal(test_ask_number(&hung, "join hung %d", SLOTS), 0);
	TEST_WAIT(test_ask_number(&hung, "peers") == 2);
	test_stop(&hung);
	fido_domain_leave(b);
	for (int i = 0; i < 20; i++) {
		assert_int_equal(fido_domain_join(&c, &config), 0);
		assert_int_equal(fido_domain_slot(c), 3); /* b had 1, which the hung domain maps */
		fido_domain_leave(c);
	}
	test_continue(&hung);
	TEST_WAIT(test_ask_number(&hung, "peers") == 1);
	TEST_WAIT(fido_domain_join(&c, &config) == 0);
	assert_int_equal(fido_domain_slot(c), 1);
	test_end(&hung);
	fido_domain_leave(c);
	fido_domain_leave(a);
	test_rundir_empty();
}

TEST_MAIN(cmocka_unit_test(free_at_once), cmocka_unit_test(mapped_is_kept))
