/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Domains without descriptors for each other meet once descriptors are available again.
 *
 * However long the shortage lasts, and at whichever step of the meeting it begins.
 */
#include "test.h"

/* Longer than a stranger may stay connected, and than the first domain's last try to connect. */
#define LONG_MS 3000

static struct test_remote b;

static void
start_b(uint32_t descriptors)
{
	test_spawn(&b);
	assert_int_equal(test_ask_number(&b, "join b"), 0);
	if (descriptors != UINT32_MAX)
		assert_int_equal(test_ask_number(&b, "descriptors %u", descriptors), 0);
}

static void
meet(struct fido_domain *a)
{
	TEST_WAIT(fido_domain_peer_count(a) == 1 && test_ask_number(&b, "peers") == 1);
	test_end(&b);
	TEST_WAIT(fido_domain_peer_count(a) == 0);
	fido_domain_leave(a);
	test_rundir_empty();
}

/*
 * With so few descriptors it stops at one step after another: the connection, the HELLO, the slot's
 * file, ...
 */
static void
earlier_one_lacks(void **state)
{
	for (uint32_t n = 0; n < 5; n++) {
		struct fido_domain *a;

		start_b(n);
		a = test_join("a");
		usleep(100000);
		assert_int_equal(test_ask_number(&b, "descriptors 100"), 0);
		meet(a);
	}
}

/* The joining domain: enough descriptors to join, then so few for what the other one sends. */
static void
joiner_lacks(void **state)
{
	for (uint32_t n = 0; n < 24; n++) {
		struct fido_domain *a = test_join("a");
		int ret;

		test_spawn(&b);
		assert_int_equal(test_ask_number(&b, "descriptors %u", n), 0);
		ret = (int)test_ask_number(&b, "join b");
		if (ret == 0)
			usleep(100000);
		assert_int_equal(test_ask_number(&b, "descriptors 100"), 0);
		if (ret != 0)
			assert_int_equal(test_ask_number(&b, "join b"), 0);
		meet(a);
	}
}

static void
for_long(uint32_t n)
{
	struct fido_domain *a;

	start_b(n);
	a = test_join("a");
	usleep(LONG_MS * 1000);
	assert_int_equal(test_ask_number(&b, "peers"), 0);
	assert_int_equal(test_ask_number(&b, "descriptors 100"), 0);
	meet(a);
}

/* It cannot accept the connection. */
static void
long_without_any(void **state)
{
	for_long(0);
}

/* It cannot receive the HELLO. */
static void
long_without_hello(void **state)
{
	for_long(1);
}

/* It cannot open the slot's file. */
static void
long_without_owner(void **state)
{
	for_long(2);
}

TEST_MAIN(cmocka_unit_test(earlier_one_lacks), cmocka_unit_test(joiner_lacks),
	cmocka_unit_test(long_without_any), cmocka_unit_test(long_without_hello),
	cmocka_unit_test(long_without_owner))
