/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A hung domain is shown as not answering and delays the observer only briefly; a dead one is
 * hidden.
 */
#include "test.h"

static void
hung_and_dead(void **state)
{
	struct fido_domain *a = test_join("a");
	struct fido_observer *o;
	struct test_remote b, c;
	unsigned int hung = 0;

	test_spawn(&b);
	test_spawn(&c);
	assert_int_equal(test_ask_number(&b, "join b"), 0);
	assert_int_equal(test_ask_number(&c, "join c"), 0);
	TEST_WAIT(fido_domain_peer_count(a) == 2);
	test_stop(&b);
	/* Blocks because of b, but for less than the test's limit. */
	uint64_t start = test_now_ms();

	assert_int_equal(fido_observer_open(&o, TEST_GROUP), 0);
	assert_true(test_now_ms() - start < (uint64_t)TEST_LIMIT_MS / 2);
	assert_int_equal(fido_observer_count(o), 3);
	for (unsigned int i = 0; i < 3; i++) {
		const struct fido_observation *d = fido_observer_domain(o, i);

		if (strcmp(d->name, "b") == 0) {
			hung++;
			assert_null(d->control);
			assert_null(fido_observation_ptr(d, TEST_BASE, 1));
		} else {
			assert_non_null(d->control);
			assert_true(d->alive);
		}
	}
	assert_int_equal(hung, 1);
	test_continue(&b);
	TEST_WAIT(fido_observer_refresh(o) == 0 && fido_observer_count(o) == 3 &&
		fido_observer_domain(o, 0)->control != NULL &&
		fido_observer_domain(o, 1)->control != NULL &&
		fido_observer_domain(o, 2)->control != NULL);
	test_kill(&c);
	TEST_WAIT(fido_observer_refresh(o) == 0 && fido_observer_count(o) == 2);
	fido_observer_close(o);
	test_end(&b);
	fido_domain_leave(a);
	test_rundir_empty();
}

TEST_MAIN_ONE(hung_and_dead)
